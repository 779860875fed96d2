"""Reads TOML that somebody else wrote: what would take the parser minutes, or end it, is refused."""

from __future__ import annotations

import re
import tomllib
from typing import Any

MOST_PARTS = 50
"""Of a dotted key. The parser takes a time that grows with their square, and nothing else runs meanwhile."""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MOST_PARTS}}}", re.ASCII)


def values(text: str) -> dict[str, Any]:
    """What a file says.

    Raises:
        ValueError: it can't be read.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") >= MOST_PARTS and _LONG_KEY.search(line):
            raise ValueError(f"line {number}: more than {MOST_PARTS} names, joined by dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("what it holds is nested too deeply") from None
