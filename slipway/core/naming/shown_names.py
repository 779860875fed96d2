"""How a host is shown to people: in its own script, unless it could be taken for another name by its looks.

The stored form is ASCII (IDNA 2008). A label that mixes scripts, or is made of letters of one script that all look like
Latin ones, is shown in that form (`xn--…`), as browsers do (Unicode TR 39, "highly restrictive").
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_ALIKE = frozenset("аӏԁехһіјӏկоорԛѕսսԝуүхғҽցһզհոցօղմαιικνορτυχγɑɡıʼ")
"""Cyrillic, Armenian and Greek letters, and unusual Latin ones, that look like a Latin letter."""
_EVERY_SCRIPT = frozenset({"DIGIT", "HYPHEN-MINUS", "COMBINING", "MIDDLE", "KATAKANA-HIRAGANA"})
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO", "IDEOGRAPHIC"}),
    frozenset({"LATIN", "CJK", "HANGUL", "IDEOGRAPHIC"}),
)
"""Scripts that one language writes together."""
_PREFIX = "xn--"


@lru_cache(maxsize=4096)
def shown(host: str) -> str:
    """A host in its stored form, as people read it."""
    if _PREFIX not in host:
        return host
    return ".".join(_shown_label(label) for label in host.split("."))


def _shown_label(label: str) -> str:
    if not label.startswith(_PREFIX):
        return label
    import idna  # noqa: PLC0415 - takes 2 MB, and most names need none of it

    try:
        text = idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label
    return text if _is_clear(text) else label


def _is_clear(text: str) -> bool:
    scripts = {_script(letter) for letter in text} - _EVERY_SCRIPT
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        return False
    letters = {letter for letter in text if not letter.isascii()}
    return not letters <= _ALIKE


def _script(letter: str) -> str:
    """By the first word of its name in Unicode, which is its script's for all letters that names may have."""
    return unicodedata.name(letter, "UNKNOWN").split()[0]
