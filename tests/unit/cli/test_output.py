from __future__ import annotations

from datetime import timedelta

import click
import pytest

from slipway.cli.output import Output, ago, aligned, one_line, safe, state
from slipway.core.text.counting import plural
from tests.unit.cli.documents import BEGAN, moment


def test_columns_begin_at_the_same_place_whatever_their_colour() -> None:
    lines = aligned([("APP", "STATE", "URL"), ("shop", state("running"), "u"), ("a", "failed", "")])
    assert [click.unstyle(line) for line in lines] == ["APP   STATE    URL", "shop  running  u", "a     failed"]


def test_an_empty_table_teaches_the_next_command_outside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("app",), [], empty="slipway apps create NAME")
    assert capsys.readouterr() == ("", "slipway apps create NAME\n")
    Output(as_json=True).table(("app",), [], empty="slipway apps create NAME")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (0.4, "just now"),
        (-0.4, "just now"),
        (12, "12 s ago"),
        (190, "3 min ago"),
        (7300, "2 h ago"),
        (200000, "2 d ago"),
        (-7300, "in 2 h"),
    ],
)
def test_times_are_relative(passed: float, text: str) -> None:
    assert ago(moment(0), BEGAN + timedelta(seconds=passed)) == text


def test_no_time_is_never() -> None:
    assert ago(None) == "never"


def test_outside_terminals_there_are_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    Output().line(state("live"))
    assert capsys.readouterr().out == "live\n"


def test_what_others_wrote_can_not_drive_the_terminal() -> None:
    assert safe("a\x1b]0;title\x07b\x1b[2Jc\rd\x1b[31mred\x1b[0m\te") == "abcd\x1b[31mred\x1b[0m\te"
    assert safe("a\x1b]8;;https://evil.example.org\x1b\\link\x1bc") == "alink"
    assert safe("abc\u202edcba") == "abcdcba"
    assert one_line("a\nb\tc\x1b[31md") == "a⏎b cd"
    assert one_line("x" * 70) == "x" * 59 + "…"


def test_one_is_not_many() -> None:
    assert (plural(1, "replica"), plural(0, "replica")) == ("1 replica", "0 replicas")
