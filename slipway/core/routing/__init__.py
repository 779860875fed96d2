"""The content of the route table."""
