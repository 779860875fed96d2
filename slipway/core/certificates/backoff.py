"""How long a certificate waits after a failure, so that no mistake uses up what an authority allows."""

from __future__ import annotations

from datetime import datetime, timedelta

from slipway.core.certificates.failures import Failure

_FIRST_OWN, _LONGEST_OWN = timedelta(seconds=15), timedelta(hours=1)
"""Of our own checks: no authority was asked, and whoever sets a record looks at the screen."""
_FIRST_DOWN, _LONGEST_DOWN = timedelta(minutes=1), timedelta(hours=1)
_DOWN = frozenset({"authority-down", "bad-nonce", "timed-out", "disk-full"})
_FIRST, _LONGEST = timedelta(minutes=15), timedelta(hours=24)
_LONGEST_SAID = timedelta(days=8)
"""Of what an authority says; its own limits reach back 7 days."""
_OF_WHAT_IS_LEFT = 1 / 8
_LEAST = timedelta(minutes=1)


def next_attempt_at(
    failure: Failure, attempts: int, now: datetime, spread: float, not_after: datetime | None = None
) -> datetime:
    """When the next attempt may begin, after `attempts` that failed in a row (this one counted).

    The wait doubles, and is up to a fifth longer by chance (`spread`, from 0 to 1). One whose old certificate runs out
    at `not_after` does not wait for longer than an eighth of what is left. What the authority said is always obeyed.
    """
    first, longest = _waits(failure)
    wait = min(first * 2.0 ** min(attempts - 1, 30), longest)
    if not_after is not None:
        wait = min(wait, max((not_after - now) * _OF_WHAT_IS_LEFT, _LEAST))
    wait *= 1 + spread / 5
    if failure.retry_after_s is not None:
        wait = max(wait, min(timedelta(seconds=failure.retry_after_s), _LONGEST_SAID))
    return now + wait


def _waits(failure: Failure) -> tuple[timedelta, timedelta]:
    if failure.own_check:
        return _FIRST_OWN, _LONGEST_OWN
    return (_FIRST_DOWN, _LONGEST_DOWN) if failure.reason in _DOWN else (_FIRST, _LONGEST)
