"""The route table that the edges get, and the addresses in it."""
