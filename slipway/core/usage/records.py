"""An edge's usage record (docs/reference/usage-stream.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.usage.fields import LARGEST, LATENCY, TRAFFIC, Usage

LARGEST_ID = (1 << 31) - 1
NOBODY = 0
"""Stands for the app of requests that belong to none."""
_NAMES = {len(TRAFFIC): TRAFFIC, len(TRAFFIC) + len(LATENCY): TRAFFIC + LATENCY}


class UnreadableRecord(ValueError):
    """It is not what an edge writes. The message says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """Which record of which edge. `boot` is one life of the edge's memory: sequence numbers begin with 1 in each."""

    edge: str
    boot: str
    sequence: int


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """What came to an end at an edge between two times (Unix seconds, by the edge's clock)."""

    position: Position
    from_s: float
    to_s: float
    apps: Mapping[int, Usage]


def position_of(fields: Mapping[str, str]) -> Position:
    """Raises `UnreadableRecord`."""
    edge, boot, sequence = (fields.get(name, "") for name in ("edge", "boot", "sequence"))
    if not (0 < len(edge) <= 40 and 0 < len(boot) <= 40 and sequence.isascii() and sequence.isdecimal()):
        raise UnreadableRecord("it does not say of which edge it is")
    if len(sequence) > 15 or int(sequence) < 1:
        raise UnreadableRecord("its sequence number is out of range")
    return Position(edge, boot, int(sequence))


def parse(position: Position, text: str) -> UsageRecord:
    """Raises `UnreadableRecord`."""
    try:
        document = json.loads(text)
        from_s, to_s = float(document["from"]), float(document["to"])
        apps = {_app_id(app): _usage(values) for app, values in document["apps"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UnreadableRecord(f"{type(error).__name__}: {error}") from error
    if not 0 <= from_s <= to_s < LARGEST:  # NaN is none of it
        raise UnreadableRecord("its times are in no order")
    return UsageRecord(position, from_s, to_s, apps)


def _app_id(text: str) -> int:
    number = int(text) if text else NOBODY
    if not 0 <= number <= LARGEST_ID:
        raise ValueError("an app's id is out of range")
    return number


def _usage(values: Any) -> Usage:
    names = _NAMES[len(values)]
    if set(map(type, values)) != {int} or min(values) < 0 or max(values) > LARGEST:
        raise ValueError("a value is no whole number, or out of range")
    return {name: value for name, value in zip(names, values, strict=True) if value}
