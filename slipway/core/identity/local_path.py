"""Where a sign-in may lead: a path of the host that it began on, whatever a browser or a proxy makes of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

MOST = 2000
START = "/"
_AS_SENT = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without space and backslash."""
_OUTSIDE = re.compile(r"(?!/)|/[/\\]|/auth(/|$)", re.IGNORECASE)
"""How a text begins that is no path, names another host, or leads into a sign-in again."""
_DECODED = 3
"""So often a text is decoded, to see whether it is another host's address in disguise."""


def local_path(text: str) -> str:
    """The text, when each reading of it is a path of this host; else `START`."""
    is_one = len(text) <= MOST and _AS_SENT.fullmatch(text) and all(map(_is_path, _readings(text)))
    return text if is_one else START


def _readings(text: str) -> Iterator[str]:
    for _ in range(_DECODED + 1):
        yield text
        text = unquote(text)


def _is_path(text: str) -> bool:
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    return not _OUTSIDE.match(text) and "\\" not in path and not any(letter < " " for letter in text)
