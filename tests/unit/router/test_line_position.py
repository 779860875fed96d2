"""Positions of lines: the times that one may go on after."""

from __future__ import annotations

from datetime import datetime

import pytest

from router.streams.line_position import printed_at


@pytest.mark.parametrize("fraction", ["", ".5", ".123456789"])
def test_a_lines_time_is_one(fraction: str) -> None:
    assert printed_at(f"2026-01-01T10:00:01{fraction}Z") == datetime(2026, 1, 1, 10, 0, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    "position",
    [
        "",
        "x",
        "2026-01-01",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-01-01T00:00:00.Z",
    ],
)
def test_what_is_no_lines_time_is_none(position: str) -> None:
    assert printed_at(position) is None
