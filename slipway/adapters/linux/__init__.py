"""The host's kernel: processes and control groups."""
