"""What the console says, from `texts.en.toml`: no template has words of its own. What the API says of something, the
console shows as it is."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "texts.en.toml"


@cache
def texts() -> dict[str, Any]:
    """By page, then by name. A template that asks for one that is not there fails (`StrictUndefined`)."""
    return tomllib.loads(FILE.read_text())


def text(name: str, /, **values: object) -> str:
    """The text of that dotted name, with the values in it: `acts.scaled`. Raises `KeyError` when there is none."""
    found: Any = texts()
    for part in name.split("."):
        found = found[part]
    return str(found).format(**values)
