"""One app's way from its observed to its desired state: load, decide, act."""
