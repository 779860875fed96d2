"""Control sequences (ECMA-48) in what programs print, and how they are removed: each as a whole, so that no part of one
stays behind as text, however its line was cut.

A sequence begins with ESC, or with one 8-bit control character (C1). One that its line does not end is cut off there:
what opens it is gone, so the text of the next line can't drive a terminal.
"""

from __future__ import annotations

import re

_COLOUR = r"(?:\x1b\[|\x9b)[0-9;:]*m"
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
"""The cursor, the screen, colours."""
_STRING = r"(?:\x1b[P\]X^_]|[\x90\x9d\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
"""DCS, OSC, SOS, PM and APC: titles, links, the clipboard, pictures. BEL ends one too, as in xterm."""
_ESCAPE = r"\x1b[ -/]*[0-~]?"
"""Character sets, the saved cursor, the reset; and an ESC that nothing follows."""
_ALONE = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
"""Control characters but tab and line feed, and those that turn the writing direction."""
_CONTROLS = re.compile(rf"(?P<colour>{_COLOUR})|{_STRING}|{_CSI}|{_ESCAPE}|{_ALONE}")
_UNFINISHED = re.compile(
    r"(?:(?:\x1b[P\]X^_]|[\x90\x9d\x98\x9e\x9f])[^\x07\x1b\x9c]*\x1b?|(?:\x1b\[|\x9b)[0-?]*[ -/]*|\x1b[ -/]*)\Z"
)
_INVALID_C1 = re.compile(r"[\udc80-\udc9f]")
_INVALID = re.compile(r"[\udc80-\udcff]")


def without_controls(text: str, *, colours: bool = False) -> str:
    """The text alone; with `colours` also what only colours it."""
    return _CONTROLS.sub(lambda match: (match["colour"] or "") if colours else "", text)


def without_unfinished(text: str) -> str:
    """The text without a sequence that its end cuts off, so that it takes nothing with it that is put behind."""
    return _UNFINISHED.sub("", text)


def decoded(printed: bytes) -> str:
    """What a program printed, as UTF-8. A byte that is none, but an 8-bit control character, is read as that one, so
    that its sequence is found; any other is `�`."""
    text = printed.decode("utf-8", "surrogateescape")
    controls = _INVALID_C1.sub(lambda match: chr(ord(match[0]) - 0xDC00), text)
    return _INVALID.sub("\ufffd", controls)
