"""Which encoding a text file of a repository has, also where no byte order mark says so."""

from __future__ import annotations

import codecs
import re

PLAIN = ""
"""UTF-8 without a mark, with ends of lines that every tool reads."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT_BYTES = 200
_LONE_CR = re.compile(rb"\r(?!\n)")


def encoding_of(content: bytes) -> str:
    """As Python names it; `PLAIN` where every tool can read the file as it is. UTF-16 without a mark is known by its
    zeros, since a manifest is mostly ASCII. What is no UTF-8 counts as Latin-1, which reads everything."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if marked:
        return marked
    beginning = content[:_LOOKED_AT_BYTES]
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if _are_mostly_zero(beginning[first::2]):
            return name
    try:
        content.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8" if _LONE_CR.search(content) else PLAIN


def text_of(content: bytes) -> str:
    """Decoded, with `\\n` at the ends of lines alone."""
    text = content.decode(encoding_of(content) or "utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _are_mostly_zero(octets: bytes) -> bool:
    return bool(octets) and octets.count(0) > len(octets) // 2
