"""Terminals in replicas: the frames and messages of their WebSocket."""
