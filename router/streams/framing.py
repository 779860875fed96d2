"""From a use case's events to the text of a stream of server-sent events, with its signs of life and its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from router.streams import sse
from router.streams.events import (
    Changed,
    Ended,
    Event,
    Events,
    Figures,
    LogLine,
    Notice,
    ReplicaLine,
    RunChanged,
    StateChanged,
)

HEARTBEAT_S = 4.0
"""A stream on which nothing came for so long gets a comment."""
LOOK_EVERY_S = 1.0
"""How often a stream looks whether its reader may go on reading."""
LIFETIME_S = 3600.0
"""A stream ends after this long; the client comes back with Last-Event-ID."""


def frames(events: Events, is_stopping: Callable[[], bool], may_go_on: Callable[[], bool]) -> Iterator[str]:
    """The stream's text, until nothing more comes, it is too old, its reader may not go on, or `is_stopping`."""
    began = sent = looked = time.monotonic()
    with closing(events):
        for batch in events:
            if time.monotonic() - looked >= LOOK_EVERY_S:
                looked = time.monotonic()
                if not may_go_on():
                    return
            text = "".join(map(frame, batch))
            if text or time.monotonic() - sent >= HEARTBEAT_S:
                sent = time.monotonic()
                yield text or sse.COMMENT
            if is_stopping() or time.monotonic() - began > LIFETIME_S:
                return


def frame(event: Event) -> str:
    return _FRAMES[type(event)](event)


def _notice(event: Notice) -> str:
    return sse.event("notice", json.dumps({"replica": event.replica, "text": event.text}, ensure_ascii=False))


def _log_line(event: LogLine) -> str:
    return sse.event("line", event.text, position=event.position)


def _state_changed(event: StateChanged) -> str:
    return sse.event("state", event.deployment.model_dump_json())


def _changed(event: Changed) -> str:
    return sse.event("changed", json.dumps(event.topics, ensure_ascii=False), position=event.position)


def _figures(event: Figures) -> str:
    return sse.event("figures", json.dumps(dict(event.cells), ensure_ascii=False))


_FRAMES: dict[type[Event], Callable[[Any], str]] = {
    Changed: _changed,
    Figures: _figures,
    StateChanged: _state_changed,
    RunChanged: lambda event: sse.event("run", event.run.model_dump_json()),
    LogLine: _log_line,
    ReplicaLine: lambda event: event.framed,
    Notice: _notice,
    Ended: lambda _event: sse.event("end", ""),
}
