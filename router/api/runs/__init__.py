"""Paths of runs: commands by hand and by a schedule."""
