"""A file of people, taken apart into numbered lines of fields: CSV with a heading, or a JSON object on each line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from slipway.core.identity.import_lines import COLUMNS
from slipway.errors import InvalidInput

_NEEDED = ("login", "email")


@dataclass(frozen=True, slots=True)
class FileLine:
    number: int
    fields: dict[str, Any] = field(repr=False)
    refused: str = ""
    """Why it can't be taken apart; then there are no fields."""


def lines(text: str) -> list[FileLine]:
    """The lines that describe people. A second one of the same login or e-mail address is refused.

    Raises:
        InvalidInput: the file as a whole can't be read.
    """
    bare = text.removeprefix("\ufeff")
    found = _json_lines(bare) if bare.lstrip().startswith("{") else _csv_lines(bare)
    return list(_without_repeated(found))


def _csv_lines(text: str) -> Iterator[FileLine]:
    heading = text.partition("\n")[0]
    separator = ";" if ";" in heading and "," not in heading else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    try:
        for cells in reader:
            if not names:
                names = _columns(cells)
            elif any(cell.strip() for cell in cells):
                yield _csv_line(reader.line_num, names, cells)
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num}: this is no CSV: {error}") from error
    if not names:
        raise InvalidInput("the file is empty", remedy=f"its first line names the columns: {', '.join(COLUMNS)}")


def _columns(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    remedy = f"the first line names the columns, of which only login or email is needed: {', '.join(COLUMNS)}"
    for name in names:
        if name not in COLUMNS:
            raise InvalidInput(f"the first line has a column {name[:40]!r}, which there is not", remedy=remedy)
        if names.count(name) > 1:
            raise InvalidInput(f"the first line has the column {name} twice", remedy=remedy)
    if not any(name in names for name in _NEEDED):
        raise InvalidInput("the first line has neither login nor email", remedy=remedy)
    return names


def _csv_line(number: int, names: list[str], cells: list[str]) -> FileLine:
    if len(cells) != len(names):
        return FileLine(number, {}, f"it has {len(cells)} fields, and the first line has {len(names)}")
    return FileLine(number, dict(zip(names, cells, strict=True)))


def _json_lines(text: str) -> Iterator[FileLine]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            yield FileLine(number, fields)
        else:
            yield FileLine(number, {}, "it is no JSON object")


def _without_repeated(found: Iterator[FileLine]) -> Iterator[FileLine]:
    """Keycloak would take the first of two and refuse the second, with the reason that a person is there already."""
    first: dict[tuple[str, str], int] = {}
    for line in found:
        keys = {(name, _key(line.fields.get(name))) for name in _NEEDED}
        repeated = next((each for each in sorted(keys) if each[1] and each in first), None)
        if repeated is not None:
            yield FileLine(line.number, {}, f"it has the {repeated[0]} of line {first[repeated]}")
            continue
        first.update(dict.fromkeys(keys, line.number))
        yield line


def _key(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
