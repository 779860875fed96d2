"""What an authority may still be asked, so that no mistake uses up its limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.certificates.budgets import Asked, exhausted

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NEW = Asked(NOW, "shop.example.org", "example.org")


def _earlier(count: int, within: timedelta, **values: object) -> list[Asked]:
    """So many before NEW, the first of them `within` ago."""
    first = replace(NEW, started_at=NOW - within, **values)  # type: ignore[arg-type]
    return [replace(first, started_at=first.started_at + timedelta(seconds=each)) for each in range(count)]


def _others(asked: list[Asked]) -> list[Asked]:
    """The same of other names."""
    return [replace(each, names_key=f"{number}.example.org") for number, each in enumerate(asked)]


def test_nothing_asked_leaves_everything() -> None:
    assert exhausted([], NEW) is None


@pytest.mark.parametrize("outcome", ["issued", "interrupted", "", "timed-out"])
def test_five_of_one_set_of_names_in_seven_days(outcome: str) -> None:
    """Also where it is not known whether the authority had issued one."""
    asked = _earlier(5, timedelta(days=6, hours=23), outcome=outcome)

    spent = exhausted(asked, NEW)

    assert spent is not None
    assert spent.until == NOW + timedelta(hours=1)
    assert exhausted(asked[1:], NEW) is None
    assert exhausted(_earlier(5, timedelta(days=7, seconds=5)), NEW) is None


def test_failures_before_anything_was_issued_count_for_no_set_of_names() -> None:
    assert exhausted(_earlier(20, timedelta(days=2), outcome="rate-limited"), NEW) is None


def test_five_failed_authorizations_of_a_name_in_an_hour() -> None:
    failed = _earlier(5, timedelta(minutes=50), outcome="authorization-failed", failed_names=("shop.example.org",))

    spent = exhausted(failed, NEW)

    assert spent is not None
    assert spent.until == NOW + timedelta(minutes=10)
    assert exhausted(failed[1:], NEW) is None
    assert exhausted(failed, replace(NEW, names_key="www.example.org")) is None


def test_fifty_of_a_registered_domain_in_a_week() -> None:
    asked = _others(_earlier(50, timedelta(days=3)))

    assert exhausted(asked, NEW) is not None
    assert exhausted(asked[1:], NEW) is None
    assert exhausted(asked, replace(NEW, registered_domain="example.com")) is None


def test_a_renewal_is_spared_where_only_new_names_count() -> None:
    asked = _others(_earlier(400, timedelta(hours=2)))

    assert exhausted(asked, replace(NEW, is_renewal=True)) is None
    assert exhausted(asked, NEW) is not None


def test_renewals_leave_room_for_new_names() -> None:
    assert exhausted(_others(_earlier(60, timedelta(days=3), is_renewal=True)), NEW) is None


def test_three_hundred_orders_in_three_hours() -> None:
    asked = [
        replace(each, registered_domain=f"{number}.example", outcome="authorization-failed")
        for number, each in enumerate(_others(_earlier(300, timedelta(hours=2))))
    ]

    assert exhausted(asked, NEW) is not None
    assert exhausted(asked[1:], NEW) is None


def test_the_limit_that_holds_back_for_longest_says_when() -> None:
    names = _earlier(5, timedelta(days=1))
    orders = [replace(each, registered_domain="b.example") for each in _others(_earlier(300, timedelta(hours=2)))]

    spent = exhausted([*names, *orders], NEW)

    assert spent is not None
    assert spent.until == NOW + timedelta(days=6)
