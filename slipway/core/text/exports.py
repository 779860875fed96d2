"""Rows as text for other programs: CSV, one JSON document, or a JSON object in each line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from slipway.core.text import csv_lines

Cell = str | int | float | None
Row = Mapping[str, Cell]


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` have the columns' names, and may be made while they are read."""

    columns: Sequence[str]
    rows: Iterable[Row]


def time_cell(moment: datetime | None) -> str:
    """UTC, to the second: `2026-11-30T09:45:00Z`. Empty: it did not happen."""
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def written(table: Table, as_: Format) -> Iterator[str]:
    """The text, piece by piece."""
    return _WRITERS[as_](table)


def _csv(table: Table) -> Iterator[str]:
    return csv_lines.lines(table.columns, ([row[name] for name in table.columns] for row in table.rows))


def _json_lines(table: Table) -> Iterator[str]:
    return (f"{_object(table, row)}\n" for row in table.rows)


def _json(table: Table) -> Iterator[str]:
    between = "[\n"
    for row in table.rows:
        yield f"{between}{_object(table, row)}"
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def _object(table: Table, row: Row) -> str:
    return json.dumps({name: row[name] for name in table.columns}, ensure_ascii=False)


_WRITERS: Mapping[Format, Callable[[Table], Iterator[str]]] = {
    Format.CSV: _csv,
    Format.JSON: _json,
    Format.JSON_LINES: _json_lines,
}
MEDIA_TYPES: Mapping[Format, str] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json; charset=utf-8",
    Format.JSON_LINES: "application/jsonl; charset=utf-8",
}
