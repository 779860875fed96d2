"""What the command prints: tables and sentences for people, one JSON document for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from slipway import settings

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_STATE_STYLE = {
    "live": "green", "running": "green", "ready": "green", "ok": "green",
    "failed": "red", "crashed": "red",
    "cancelled": "yellow", "superseded": "yellow", "skipped": "yellow", "stopped": "yellow",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's answer goes."""

    as_json: bool = False

    @property
    def for_people(self) -> bool:
        return not self.as_json

    def document(self, value: Any) -> None:
        """The whole answer, as JSON."""
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def line(self, text: str = "") -> None:
        if self.for_people:
            click.echo(text, color=_colour())

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
        """Aligned columns; `empty` teaches the next command when there is nothing."""
        if not rows:
            self.line(empty)
            return
        shown = [tuple(heading.upper() for heading in headings), *rows]
        widths = [max(len(click.unstyle(row[column])) for row in shown) for column in range(len(headings))]
        for row in shown:
            cells = (cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=True))
            self.line("  ".join(cells).rstrip())


def state(word: str) -> str:
    """A state, coloured; the word itself always tells it."""
    return click.style(word, fg=_STATE_STYLE.get(word, "cyan"))


def ago(moment: str | None) -> str:
    """`3 min ago`."""
    if not moment:
        return "never"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            return f"{int(seconds // size)} {unit} ago" if seconds > 0 else f"in {int(-seconds // size)} {unit}"
    return "just now"


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def is_terminal() -> bool:
    return sys.stdout.isatty()


def _colour() -> bool | None:
    """None lets click decide by the terminal; NO_COLOR (no-color.org) says no."""
    return False if settings.client()["no_color"] else None
