"""How long a certificate waits after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.certificates.backoff import next_attempt_at
from slipway.core.certificates.failures import Failure

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
REFUSED = Failure("authorization-failed", "another server answered")
DOWN = Failure("authority-down", "no answer")
OWN = Failure("dns-not-here", "the name leads elsewhere", own_check=True)


@pytest.mark.parametrize(
    ("failure", "attempts", "wait"),
    [
        (REFUSED, 1, timedelta(minutes=15)),
        (REFUSED, 3, timedelta(hours=1)),
        (REFUSED, 99, timedelta(hours=24)),
        (DOWN, 1, timedelta(minutes=1)),
        (DOWN, 99, timedelta(hours=1)),
        (OWN, 1, timedelta(seconds=15)),
        (OWN, 99, timedelta(hours=1)),
    ],
)
def test_the_wait_doubles_up_to_its_longest(failure: Failure, attempts: int, wait: timedelta) -> None:
    assert next_attempt_at(failure, attempts, NOW, 0) == NOW + wait


def test_by_chance_it_is_up_to_a_fifth_longer() -> None:
    assert next_attempt_at(DOWN, 1, NOW, 1) == NOW + timedelta(seconds=72)


def test_refusals_of_an_hour_stay_below_what_an_authority_allows() -> None:
    """Five failed authorizations of a name in an hour."""
    at, attempts = NOW, 0
    while at < NOW + timedelta(hours=1):
        attempts += 1
        at = next_attempt_at(REFUSED, attempts, at, 0)

    assert attempts <= 3


@pytest.mark.parametrize("spread", [0, 1])
def test_what_the_authority_said_is_obeyed(spread: float) -> None:
    said = Failure("rate-limited", "too many", retry_after_s=100_000)

    assert next_attempt_at(said, 1, NOW, spread) >= NOW + timedelta(seconds=100_000)


def test_what_it_said_is_bounded() -> None:
    said = Failure("rate-limited", "too many", retry_after_s=10**9)

    assert next_attempt_at(said, 1, NOW, 0) == NOW + timedelta(days=8)


def test_the_end_of_the_old_one_shortens_the_wait() -> None:
    assert next_attempt_at(REFUSED, 99, NOW, 0, NOW + timedelta(hours=8)) == NOW + timedelta(hours=1)


def test_one_that_has_run_out_is_not_tried_all_the_time() -> None:
    assert next_attempt_at(REFUSED, 99, NOW, 0, NOW - timedelta(days=1)) == NOW + timedelta(minutes=1)
