"""A deployment's steps on a terminal as they end, and one line a step in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def step_line(step: Mapping[str, Any], now: float) -> str:
    """`  ✔ build     11.8 s   7 of 9 steps from cache`. Times are Unix seconds."""
    started, ended = step.get("started_at"), step.get("ended_at")
    seconds = max(0.0, float(ended or now) - float(started or now))
    mark = _FRAMES[int(now * 10) % len(_FRAMES)] if not ended else "✔" if step.get("ok") else "✘"
    return f"  {mark} {step['name']:<8} {seconds:6.1f} s   {step.get('note') or ''}".rstrip()


class Progress:
    """Prints to `out`. A step that runs is shown on a terminal only, on a line that is written over."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._printed: set[tuple[str, float]] = set()

    def line(self, text: str = "") -> None:
        self._out.write(f"{self._blank()}{text}\n")
        self._out.flush()

    def steps(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Show what is new. A step begun anew, by another worker, is shown again."""
        now = time.time()
        running = None
        for step in steps:
            key = (step["name"], step.get("started_at") or 0.0)
            if not step.get("ended_at"):
                running = step
            elif key not in self._printed:
                self._printed.add(key)
                self.line(step_line(step, now))
        if running and self._terminal:
            self._out.write(f"{self._blank()}{step_line(running, now)}")
            self._out.flush()

    def _blank(self) -> str:
        return "\r\x1b[K" if self._terminal else ""
