"""A deployment's steps on a terminal as they end, and one line a step in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def step_line(step: Mapping[str, Any], now: datetime) -> str:
    """A step as the API shows it, as in `  ✔ build     11.8 s   7 of 9 steps from cache`."""
    seconds = step["seconds"]
    if seconds is None:
        seconds = max(0.0, (now - datetime.fromisoformat(step["started_at"])).total_seconds())
    running = _FRAMES[int(now.timestamp() * 10) % len(_FRAMES)]
    mark = running if not step["ended_at"] else "✔" if step["ok"] else "✘"
    return f"  {mark} {step['name']:<8} {seconds:6.1f} s   {step['note']}".rstrip()


class Progress:
    """Prints to `out`. A step that runs is shown on a terminal only, on a line that is written over."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._printed: set[tuple[str, str]] = set()

    def line(self, text: str = "") -> None:
        self._out.write(f"{self._blank()}{text}\n")
        self._out.flush()

    def steps(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Show what is new. A step that another worker starts again is shown again."""
        now = datetime.now(UTC)
        running = None
        for step in steps:
            key = (step["name"], step["started_at"])
            if not step["ended_at"]:
                running = step
            elif key not in self._printed:
                self._printed.add(key)
                self.line(step_line(step, now))
        if running and self._terminal:
            self._out.write(f"{self._blank()}{step_line(running, now)}")
            self._out.flush()

    def _blank(self) -> str:
        return "\r\x1b[K" if self._terminal else ""
