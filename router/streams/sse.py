"""The format of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

MEDIA_TYPE = "text/event-stream"
COMMENT = ": still here\n\n"
"""Clients skip it. It shows that the stream lives."""


def event(name: str, data: str, *, position: str = "") -> str:
    """One event; every line of `data` gets its own field, as the format asks.

    Args:
        position: what a client that comes back sends as Last-Event-ID.
    """
    head = f"event: {name}\n" + (f"id: {position}\n" if position else "")
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return head + "".join(f"data: {line}\n" for line in lines) + "\n"
