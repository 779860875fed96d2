"""On which line of a TOML text something stands. Enough for pointing at it: what has been parsed is looked up again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_TABLE = re.compile(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line (from 1) of the key or table that `path` names, or of what holds it; None when it can't be found."""
    best, best_length = None, 0
    table: tuple[str, ...] = ()
    entries: Counter[tuple[str, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        header, key = _TABLE.fullmatch(line), _KEY.match(line)
        if header:
            table = here = _parts(header[1])
            if line.lstrip().startswith("[["):
                table = here = (*here, str(entries[here]))
                entries[here[:-1]] += 1
        elif key:
            here = (*table, *_parts(key[1]))
        else:
            continue
        shared = len(here) if here == tuple(path[: len(here)]) else len(path) if here[: len(path)] == tuple(path) else 0
        if shared > best_length:
            best, best_length = number, shared
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
