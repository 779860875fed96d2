"""Lines that rewrite themselves, as progress bars do with carriage returns."""

from __future__ import annotations


def as_seen(line: str) -> str:
    """What a terminal shows of it in the end: the text after its last carriage return, unless there is none."""
    return line.rstrip("\r").rpartition("\r")[2]
