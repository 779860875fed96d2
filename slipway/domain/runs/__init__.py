"""Runs: who may begin one, and how its row changes."""
