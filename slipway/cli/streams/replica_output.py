"""Lines of replicas' output as people read them: `web.1 v4  09:39:17  text`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import click

from slipway.cli.output import ago, safe
from slipway.core.rollout.crash import exit_text, out_of_memory_text
from slipway.core.text.rewritten_lines import as_seen

_FRACTION = re.compile(r"\.\d+")
_COLOURS = ("cyan", "yellow", "green", "magenta", "blue")


@dataclass(frozen=True, slots=True)
class Line:
    """What a replica printed, and when (RFC 3339, as written: it sorts as text)."""

    replica: str
    time: str
    text: str

    def document(self) -> dict[str, str]:
        return {"replica": self.replica, "time": self.time, "text": self.text}


def parse_text(text: str) -> list[Line]:
    """`<replica> <time> <text>`, a line each. Only a newline ends one."""
    parts = (each.split(" ", 2) for each in text.split("\n") if each)
    return [Line(each[0], *_two(each[1:])) for each in parts]


def parse_event(data: str) -> Line:
    """The data of a `line` event."""
    document = json.loads(data)
    return Line(document["replica"], *_two(document["line"].split(" ", 1)))


def parse_notice(data: str) -> tuple[str, str]:
    """The data of a `notice` event: a replica, and what is missing of its output."""
    document = json.loads(data)
    return document["replica"], document["text"]


@dataclass(slots=True)
class Unseen:
    """Drops lines that were shown before the stream broke off."""

    _last: dict[str, str] = field(default_factory=dict)

    def take(self, line: Line) -> bool:
        """Was this line not shown before?"""
        if line.time and line.time <= self._last.get(line.replica, ""):
            return False
        self._last[line.replica] = line.time
        return True


@dataclass(slots=True)
class Labels:
    """What replicas are called: process, slot and release. Asked again when one is new."""

    ask: Callable[[], Iterable[dict[str, Any]]]
    _names: dict[str, str] = field(default_factory=dict)

    def of(self, replica: str) -> str:
        if replica not in self._names:
            self._names |= {each["id"]: f"{each['process']}.{each['slot']} v{each['release']}" for each in self.ask()}
            self._names.setdefault(replica, replica)
        return self._names[replica]

    def line(self, line: Line, today: date | None = None) -> str:
        label = self.of(line.replica)
        colour = _COLOURS[sum(label.encode()) % len(_COLOURS)]
        return f"{click.style(label, fg=colour)}  {clock(line.time, today)}  {safe(as_seen(line.text))}"


def clock(time: str, today: date | None = None) -> str:
    """The local time of day; with the day when it was another one."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", time)).astimezone()
    except ValueError:
        return time
    same = moment.date() == (today or datetime.now().astimezone().date())
    return moment.strftime("%H:%M:%S" if same else "%b %d %H:%M:%S")


def how_it_ended(replica: Mapping[str, Any]) -> str:
    """`out of memory (256 MB), 2 min ago`: how it last ended by itself, or what of it was killed while it ran on."""
    crash, short_at = replica["last_crash"], replica["out_of_memory_at"]
    if short_at and (not crash or crash["at"] < short_at):
        return f"a process was killed: {out_of_memory_text(replica['memory_bytes'])}, {ago(short_at)}"
    if crash:
        return f"{crash['cause']}, {ago(crash['at'])}"
    return "" if replica["exit_code"] is None else exit_text(replica["exit_code"])


def _two(parts: list[str]) -> tuple[str, str]:
    time, text = [*parts, "", ""][:2]
    return time, text
