"""Requests that people try at their own apps, through the edge (docs/decisions/0056)."""
