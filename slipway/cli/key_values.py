"""`NAME=VALUE` from the command line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import click


def pair(text: str) -> tuple[str, str]:
    """A name and its value, which may be empty or hold more `=`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value


def nested(pairs: Iterable[str]) -> dict[str, Any]:
    """`a.b=1` → `{"a": {"b": 1}}`; JSON where it can be read as such; an empty value → None, which takes the setting
    back.

    Raises:
        BadParameter: a name is used both as a value and as a table.
    """
    values: dict[str, Any] = {}
    for name, text in map(pair, pairs):
        *tables, last = name.split(".")
        inner = values
        for table in tables:
            inner = inner.setdefault(table, {})
            if not isinstance(inner, dict):
                raise click.BadParameter(f"{table} can't be both a value and a table: {name}")
        inner[last] = _json_or_text(text) if text else None
    return values


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _finite(text: str) -> float:
    """Python also reads NaN, Infinity and 1e999, which are no JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
