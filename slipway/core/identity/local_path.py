"""Where a sign-in may lead: a path of the host that it began on, whatever a browser or a proxy makes of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

MOST = 4096
START = "/"
AUTH = "/auth"
"""Where the console's host signs people in."""
_AS_SENT = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without space and backslash."""
_OUTSIDE = re.compile(r"(?!/)|/[/\\]")
"""How a text begins that is no path, or names another host."""
_DECODED = 3
"""So often a text is decoded, to see whether it is another host's address in disguise."""


def local_path(text: str, *, reserved: str = AUTH) -> str:
    """The text, when each reading of it is a path of this host; else `START`, also for what is below `reserved`, which
    would lead into a sign-in again."""
    is_one = len(text) <= MOST and _AS_SENT.fullmatch(text)
    return text if is_one and all(_is_path(reading, reserved) for reading in _readings(text)) else START


def _readings(text: str) -> Iterator[str]:
    for _ in range(_DECODED + 1):
        yield text
        text = unquote(text)


def _is_path(text: str, reserved: str) -> bool:
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    is_outside = _OUTSIDE.match(text) or f"{path}/".lower().startswith(f"{reserved}/")
    return not is_outside and "\\" not in path and not any(letter < " " for letter in text)
