"""Times and amounts as pages show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from router.console import formats
from slipway.models import now

MOMENT = datetime(2026, 11, 30, 9, 45, 10, tzinfo=UTC)


def test_a_time_has_its_exact_form_beside_it() -> None:
    shown = formats.moment(MOMENT)
    assert 'datetime="2026-11-30T09:45:10+00:00"' in shown
    assert ">30 Nov 2026, 09:45 UTC<" in shown
    assert "09:45:10" in formats.clock(MOMENT)


def test_a_past_time_is_kept_true_by_the_page() -> None:
    assert " data-ago>3 min ago</time>" in formats.ago(now() - timedelta(minutes=3, seconds=5))
    assert formats.ago(None) == "never"
    assert formats.moment(None) == formats.clock(None) == ""


def test_numbers_are_grouped_and_rates_are_short() -> None:
    assert formats.count(1234567) == "1\u202f234\u202f567"
    assert [formats.rate(0.04), formats.rate(9.94), formats.rate(1234)] == ["0.0", "9.9", "1\u202f234"]
    assert formats.percent(0.125) == "12.5\u202f%"


def test_texts_of_others_are_cut_where_they_are_read() -> None:
    assert formats.first_line("Fix\n\nlong") == "Fix"
    assert formats.marked("`a<b` and <c>") == "<code>a&lt;b</code> and &lt;c&gt;"
    assert formats.branch("refs/heads/main") == "main"
    assert formats.host("https://shop.example.org:8443/x") == "shop.example.org:8443"
    assert [formats.sentence(each) for each in ("try again", "Done.", "")] == ["Try again.", "Done.", ""]


def test_times_that_something_took() -> None:
    shown = [formats.milliseconds(each) for each in (None, 0.0, 3.54, 9.97, 87.2, 1234)]
    assert shown == ["–", "0.0\u202fms", "3.5\u202fms", "10\u202fms", "87\u202fms", "1.2\u202fs"]


def test_a_course_is_interrupted_where_it_is_not_known() -> None:
    assert formats.spark([0, 2, None, 1]) == "M0.0 23.0h.1L32.0 1.0M96.0 12.0h.1"
    assert formats.spark([]) == formats.spark([None]) == ""
    assert formats.spark([0, 0]) == "M0.0 23.0h.1L96.0 23.0"


def test_an_age_has_its_exact_time_beside_it() -> None:
    shown = formats.age(now() - timedelta(hours=3, seconds=5))
    assert ">3 h</time>" in shown
    assert "UTC" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("free the port", "Free the port."),
        ("nothing: it is reached over HTTP", "Nothing: it is reached over HTTP."),
        ("can't be read", "Can't be read."),
        ("other-branch", "Other-branch."),
        ("shop.example.org leads elsewhere", "shop.example.org leads elsewhere."),
        ("probe_s under [timeouts] is too short!", "probe_s under [timeouts] is too short!"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_it_begins_with_a_name(text: str, shown: str) -> None:
    assert formats.sentence(text) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("fix it and push again, or: slipway logs -a shop", "Fix it and push again, or: slipway logs -a shop"),
        ("slipway env set URL=…", "slipway env set URL=…"),
    ],
)
def test_a_line_of_a_remedy_leaves_its_command_as_it_is(line: str, shown: str) -> None:
    assert formats.advice(line) == shown
