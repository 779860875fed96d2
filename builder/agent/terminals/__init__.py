"""Terminals: programs that people run beside a replica's own, over a WebSocket."""
