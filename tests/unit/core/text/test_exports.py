"""Rows as text for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from slipway.core.text.exports import Format, Row, Table, time_cell, written


def test_each_format_has_the_columns_in_their_order() -> None:
    table = Table(("b", "a"), [{"a": "é", "b": 1, "hidden": 2}, {"a": None, "b": 2.5}])
    assert "".join(written(table, Format.CSV)) == "b,a\r\n1,é\r\n2.5,\r\n"
    assert json.loads("".join(written(table, Format.JSON))) == [{"b": 1, "a": "é"}, {"b": 2.5, "a": None}]
    assert "".join(written(table, Format.JSON_LINES)) == '{"b": 1, "a": "é"}\n{"b": 2.5, "a": null}\n'


def test_rows_are_read_while_they_are_written() -> None:
    read: list[int] = []

    def rows() -> Iterator[Row]:
        for number in range(3):
            read.append(number)
            yield {"a": number}

    for as_ in Format:
        pieces = written(Table(("a",), rows()), as_)
        assert read == []
        next(pieces), next(pieces)
        assert len(read) in (1, 2), as_
        read.clear()


def test_a_time_is_written_to_the_second_in_utc() -> None:
    assert time_cell(datetime(2026, 11, 30, 9, 45, 10, 5, tzinfo=UTC)) == "2026-11-30T09:45:10Z"
    assert time_cell(None) == ""
