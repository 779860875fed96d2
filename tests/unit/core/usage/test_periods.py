from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.usage.periods import POINTS_MOST, Step, period
from slipway.errors import InvalidInput

NOW = datetime(2026, 11, 30, 10, 7, 30, tzinfo=UTC)


def test_a_period_has_whole_steps_and_ends_with_the_one_that_goes_on() -> None:
    found = period(NOW, NOW - timedelta(hours=2), None, Step.HOUR)
    assert (found.begins_at, found.ends_at) == (
        NOW.replace(hour=8, minute=0, second=0),
        NOW.replace(hour=11, minute=0, second=0),
    )
    assert list(found.numbers()) == [found.first, found.first + 1, found.first + 2]


@pytest.mark.parametrize(
    ("back", "long", "expected"),
    [
        (timedelta(hours=1), timedelta(hours=1), Step.MINUTE),
        (timedelta(days=1), timedelta(days=1), Step.HOUR),
        (timedelta(days=8), timedelta(hours=1), Step.HOUR),
        (timedelta(days=90), timedelta(days=90), Step.DAY),
        (timedelta(days=70), timedelta(days=1), Step.DAY),
    ],
)
def test_the_step_is_the_smallest_that_is_kept_and_fits(back: timedelta, long: timedelta, expected: Step) -> None:
    assert period(NOW, NOW - back, NOW - back + long, None).step is expected


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ends before it begins"):
        period(NOW, NOW, NOW - timedelta(seconds=1), None)


def test_more_points_than_are_shown_at_once_are_refused() -> None:
    with pytest.raises(InvalidInput, match=str(POINTS_MOST)):
        period(NOW, NOW - timedelta(days=3), NOW, Step.MINUTE)


def test_the_far_future_is_no_step() -> None:
    assert period(NOW, NOW - timedelta(days=1), NOW + timedelta(days=90_000), Step.DAY).ends_at < NOW + timedelta(
        days=3
    )
