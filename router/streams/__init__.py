"""Streams: their events, how they are written, who follows them, and what followers share."""
