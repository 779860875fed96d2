"""What the command prints: tables and sentences for people, one JSON document for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from slipway import settings
from slipway.core.text import amounts
from slipway.core.text.control_sequences import without_controls

_STATE_STYLE = {
    "live": "green", "running": "green", "ready": "green", "ok": "green", "in use": "green",
    "failed": "red", "crashed": "red", "absent": "red", "degraded": "red",
    "cancelled": "yellow", "superseded": "yellow", "skipped": "yellow", "stopped": "yellow",
    "app deleted": "yellow", "being removed": "yellow",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Output:
    """Writes a command's answer, for people or as JSON."""

    as_json: bool = False

    @property
    def for_people(self) -> bool:
        return not self.as_json

    def document(self, value: Any) -> None:
        """The whole answer, as JSON."""
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def record(self, value: Any) -> None:
        """One of many answers, as JSON on a line of its own."""
        click.echo(json.dumps(value, ensure_ascii=False))

    def line(self, text: str = "") -> None:
        if self.for_people:
            echo(text)

    def hint(self, text: str) -> None:
        """Something for people that is no part of the answer: it goes to standard error."""
        if self.for_people:
            echo(text, err=True)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
        """Aligned columns; `empty` teaches the next command when there is nothing."""
        if not rows:
            self.hint(empty)
            return
        for line in aligned([tuple(heading.upper() for heading in headings), *rows]):
            self.line(line)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row; its columns begin at the same place."""
    widths = [max(len(click.unstyle(cell)) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def echo(text: str = "", *, nl: bool = True, err: bool = False) -> None:
    """Print; coloured where click finds a terminal, unless NO_COLOR (no-color.org) says no."""
    click.echo(text, nl=nl, err=err, color=False if settings.client()["no_color"] else None)


def state(word: str) -> str:
    """A state in its colour; the word alone says the same."""
    return click.style(word, fg=_STATE_STYLE.get(word, "cyan"))


def ago(moment: str | None, at: datetime | None = None) -> str:
    """`3 min ago`, as seen `at` (now)."""
    return amounts.ago(datetime.fromisoformat(moment) if moment else None, at or datetime.now(UTC))


def version(deployed: Mapping[str, Any]) -> str:
    """What was deployed, as short as people write it."""
    return amounts.version(deployed["commit"], deployed["digest"])


def release_of(deployed: Mapping[str, Any]) -> str:
    """A release by its number and by what was deployed: several may be of one commit."""
    return f"v{deployed['release']} {version(deployed)}" if deployed["release"] else version(deployed)


def safe(text: str) -> str:
    """Text of unknown origin, safe for a terminal: without what moves the cursor, renames windows or turns the writing
    direction. Colours stay."""
    return without_controls(text, colours=True)


def one_line(text: str, width: int = 60) -> str:
    """Safe text that fits into a table."""
    line = click.unstyle(safe(text.replace("\r", "").replace("\n", "⏎").replace("\t", " ")))
    return line if len(line) <= width else line[: width - 1] + "…"


def is_terminal() -> bool:
    return sys.stdout.isatty()
