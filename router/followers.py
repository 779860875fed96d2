"""Server-sent events. Each stream holds a thread of the server, so their number is bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from flask import Response

from slipway.errors import SlipwayError

HEARTBEAT = ": still here\n\n"
HEARTBEAT_S = 5.0
LIFETIME_S = 3600.0
"""A stream ends after this long; the client comes back with Last-Event-ID."""


class TooManyFollowers(SlipwayError):
    code = "too-many-followers"
    status = 503


@dataclass(slots=True)
class Followers:
    """Counts the streams of this process."""

    limit: int
    stopping: Callable[[], bool] = lambda: False
    """Is the process about to end? Streams then end too."""
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stream(self, events: Iterator[str]) -> Response:
        """Answer with events as they come.

        Raises:
            TooManyFollowers: the limit is reached; `events` is not begun.
        """
        self._enter()
        response = Response(events, content_type="text/event-stream; charset=utf-8")
        response.headers["X-Accel-Buffering"] = "no"
        response.call_on_close(self._leave)
        return response

    def _enter(self) -> None:
        with self._lock:
            if self._count >= self.limit:
                raise TooManyFollowers(
                    f"{self.limit} streams are open on this server already",
                    remedy="ask without following every few seconds, or try again",
                    retry_after_s=5,
                )
            self._count += 1

    def _leave(self) -> None:
        with self._lock:
            self._count -= 1


def event(name: str, data: str, *, position: str = "") -> str:
    """One event; every line of `data` gets its own field, as the format asks."""
    head = f"event: {name}\n" + (f"id: {position}\n" if position else "")
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return head + "".join(f"data: {line}\n" for line in lines) + "\n"
