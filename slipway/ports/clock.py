"""Time as something that a caller is given, so that a test can set it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """`time.time` where the moment matters to others (Unix seconds), `time.monotonic` where only durations do."""

    def __call__(self) -> float: ...
