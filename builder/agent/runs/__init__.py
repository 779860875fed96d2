"""Runs: commands in containers of a live release, started, watched and ended by the agent."""
