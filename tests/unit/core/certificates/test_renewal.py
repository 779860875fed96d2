"""When certificates are renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.certificates import renewal

BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lifetime", "latest"),
    [
        (timedelta(days=90), timedelta(days=60)),
        (timedelta(days=45), timedelta(days=30)),
        (timedelta(days=10), timedelta(days=10) * 2 / 3),
        (timedelta(days=6), timedelta(days=3)),
    ],
)
def test_without_a_word_of_the_authority_its_life_says_when(lifetime: timedelta, latest: timedelta) -> None:
    assert renewal.renew_at(BEGIN, BEGIN + lifetime, 0) == BEGIN + latest
    assert renewal.renew_at(BEGIN, BEGIN + lifetime, 1) == BEGIN + latest - lifetime * 0.05


def test_the_alarm_comes_a_quarter_before_the_end() -> None:
    assert renewal.alarm_at(BEGIN, BEGIN + timedelta(days=8)) == BEGIN + timedelta(days=6)


def test_a_window_after_the_alarm_is_not_waited_for() -> None:
    end = BEGIN + timedelta(days=8)

    assert renewal.within_window(BEGIN + timedelta(days=3), BEGIN, end) == BEGIN + timedelta(days=3)
    assert renewal.within_window(end + timedelta(days=9), BEGIN, end) == BEGIN + timedelta(days=6)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        (timedelta(seconds=-5), timedelta(minutes=1)),
        (timedelta(hours=6), timedelta(hours=6)),
        (timedelta(days=400), timedelta(days=1)),
    ],
)
def test_when_to_ask_again_is_bounded(said: timedelta, wait: timedelta) -> None:
    assert renewal.ask_again_at(BEGIN, said) == BEGIN + wait
