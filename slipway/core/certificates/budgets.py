"""What an authority may still be asked. The numbers are Let's Encrypt's (https://letsencrypt.org/docs/rate-limits/);
others allow as much or more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.core.certificates.names import names_of

ISSUED, INTERRUPTED = "issued", "interrupted"
_MAYBE_ISSUED = (ISSUED, INTERRUPTED, "", "timed-out", "disk-full", "attempt-failed")
"""What was cut off, or goes on, may have issued one, which the authority counts."""
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """One time that the authority was asked."""

    started_at: datetime
    names_key: str
    registered_domain: str
    is_renewal: bool = False
    outcome: str = ISSUED
    failed_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Why the authority may not be asked now, and until when."""

    until: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class _Limit:
    what: str
    most: int
    within: timedelta
    counts: Callable[[Asked, Asked], bool]
    """Whether an earlier one counts for the new one."""
    spares_renewals: bool = False


LIMITS = (
    _Limit(
        "5 certificates of the same names in 7 days",
        5,
        timedelta(days=7),
        lambda earlier, new: earlier.names_key == new.names_key and earlier.outcome in _MAYBE_ISSUED,
    ),
    _Limit(
        "5 failed authorizations of a name in an hour",
        5,
        timedelta(hours=1),
        lambda earlier, new: not set(earlier.failed_names).isdisjoint(names_of(new.names_key)),
    ),
    _Limit(
        "50 new certificates of a registered domain in 7 days",
        50,
        timedelta(days=7),
        lambda earlier, new: (
            earlier.registered_domain == new.registered_domain
            and not earlier.is_renewal
            and earlier.outcome in _MAYBE_ISSUED
        ),
        spares_renewals=True,
    ),
    _Limit("300 orders in 3 hours", 300, timedelta(hours=3), lambda *_: True, spares_renewals=True),
)


def exhausted(earlier: Sequence[Asked], new: Asked) -> Exhausted | None:
    """The limit that holds the new one back for longest. None: the authority may be asked."""
    found = [_held_back(limit, earlier, new) for limit in LIMITS if not (limit.spares_renewals and new.is_renewal)]
    return max((each for each in found if each), key=lambda each: each.until, default=None)


def _held_back(limit: _Limit, earlier: Sequence[Asked], new: Asked) -> Exhausted | None:
    since = new.started_at - limit.within
    counted = sorted(each.started_at for each in earlier if each.started_at > since and limit.counts(each, new))
    if len(counted) < limit.most:
        return None
    return Exhausted(counted[-limit.most] + limit.within, f"The authority allows {limit.what}, and these are used.")
