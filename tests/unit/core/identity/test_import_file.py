"""A file of people, taken apart."""

from __future__ import annotations

import pytest

from slipway.core.identity.import_file import FileLine, lines
from slipway.errors import InvalidInput


def test_csv_with_a_heading_in_any_order() -> None:
    assert lines("Email,login\nada@x.org,ada\n\nbob@x.org,bob\n") == [
        FileLine(2, {"email": "ada@x.org", "login": "ada"}),
        FileLine(4, {"email": "bob@x.org", "login": "bob"}),
    ]


def test_csv_as_spreadsheets_write_it() -> None:
    assert lines('\ufefflogin;last_name\r\nada;"Love; ""lace"""\r\n') == [
        FileLine(2, {"login": "ada", "last_name": 'Love; "lace"'})
    ]


def test_json_lines() -> None:
    assert lines('{"login": "ada", "email_verified": true}\n\n{"login": "bob"}') == [
        FileLine(1, {"login": "ada", "email_verified": True}),
        FileLine(3, {"login": "bob"}),
    ]


def test_lines_that_can_not_be_taken_apart_are_refused_alone() -> None:
    found = lines("login,email\nada\nbob,bob@x.org\nx,y,z\n")
    assert [(line.number, line.refused) for line in found] == [
        (2, "it has 1 fields, and the first line has 2"),
        (3, ""),
        (4, "it has 3 fields, and the first line has 2"),
    ]
    found = lines('{"login": "ada"}\n["bob"]\n{"login": \n' + "[" * 100_000)
    assert [line.refused for line in found] == ["", *3 * ["it is no JSON object"]]


@pytest.mark.parametrize(
    ("second", "why"), [("ADA,other@x.org", "the login of line 2"), ("bob, Ada@X.org", "the email of line 2")]
)
def test_the_second_of_two_is_refused(second: str, why: str) -> None:
    found = lines(f"login,email\nada,ada@x.org\n{second}\n")
    assert [line.refused for line in found] == ["", f"it has {why}"]


def test_a_refused_line_takes_nobodys_name() -> None:
    found = lines("login,email\nada,ada@x.org\nbob,ada@x.org\nbob,bob@x.org\n")
    assert [bool(line.refused) for line in found] == [False, True, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the file is empty"),
        ("name,first_name\n", "a column 'name', which there is not"),
        ("login,login\n", "the column login twice"),
        ("first_name,last_name\n", "neither login nor email"),
        ('login\n"ada\n', "line 2: this is no CSV"),
    ],
)
def test_a_file_that_can_not_be_read_as_a_whole(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        lines(text)
