"""Previews of pull requests: what becomes of one, what it is called, and what is said about it."""
