"""Cells that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io

import pytest

from slipway.core.text.csv_lines import lines


@pytest.mark.parametrize(
    "text",
    [
        *(
            '=HYPERLINK("https://evil.example","x")',
            "+1+1",
            "-2+3",
            "@SUM(A1)",
            "\t=1+1",
            "\r=1",
            "\n=1",
            "＝1+1",
            "＋1",
        ),
        *("－1", "＠SUM(1)"),
    ],
)
def test_no_text_begins_a_formula(text: str) -> None:
    [_, [cell]] = list(csv.reader(io.StringIO("".join(lines(["name"], [[text]])), newline="")))
    assert cell == f"'{text}"


def test_what_is_between_quotes_stays_one_cell() -> None:
    rows = [['a "b", c\nd', -5, 1.5, None, "é"], ["x", 0, 2, "", "🚢"]]
    found = list(csv.reader(io.StringIO("".join(lines(list("abcde"), rows)), newline="")))
    assert found == [list("abcde"), ['a "b", c\nd', "-5", "1.5", "", "é"], ["x", "0", "2", "", "🚢"]]
