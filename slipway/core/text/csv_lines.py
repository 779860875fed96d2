"""Lines of CSV (RFC 4180) that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets read as the beginning of a formula, also in its full width (OWASP, CSV injection)."""


def lines(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The headings, then the rows, each with its line's end."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for cells in itertools.chain([headings], rows):
        writer.writerow([cell(each) for each in cells])
        yield _taken(buffer)


def cell(value: object) -> object:
    """Numbers as they are, nothing for None, and text that can begin no formula."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
