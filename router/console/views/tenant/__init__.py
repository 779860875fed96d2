"""The tenant: what it may use, its people, tokens, hooks and trusted publishers, and what was done in it."""
