"""The minutes of an hour in one value, small: JSON by field (minutes and values), compressed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from slipway.core.usage.fields import Usage

MINUTES = 60


def pack(minutes: Mapping[int, Usage]) -> bytes:
    """`minutes`: number of the minute in its hour → what was used then."""
    fields: dict[str, list[list[int]]] = {}
    for minute in sorted(minutes):
        for name, value in sorted(minutes[minute].items()):
            where, values = fields.setdefault(name, [[], []])
            where.append(minute)
            values.append(value)
    return zlib.compress(json.dumps(fields, separators=(",", ":")).encode(), 6)


def unpack(packed: bytes | None) -> dict[int, Usage]:
    found: dict[int, Usage] = {}
    for name, (minutes, values) in json.loads(zlib.decompress(packed) if packed else "{}").items():
        for minute, value in zip(minutes, values, strict=True):
            found.setdefault(minute, {})[name] = value
    return found
