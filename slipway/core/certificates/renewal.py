"""When a certificate is renewed, and when somebody has to hear that it was not."""

from __future__ import annotations

from datetime import datetime, timedelta

SHORT = timedelta(days=10)
"""A certificate that lives shorter than this is renewed after half of its life."""
_SPREAD = 0.05
"""By how much of the lifetime renewals are spread, so that hosts set up on one day do not come together for ever."""
_LEAST_ASK, _MOST_ASK = timedelta(minutes=1), timedelta(days=1)
_LATEST = 0.25
"""So much of the lifetime is left when the alarm is raised."""


def renew_at(not_before: datetime, not_after: datetime, spread: float) -> datetime:
    """For an authority that does not say when. `spread` is from 0 to 1, by chance."""
    lifetime = not_after - not_before
    part = 1 / 2 if lifetime < SHORT else 2 / 3
    return not_before + lifetime * (part - _SPREAD * spread)


def within_window(chosen: datetime, not_before: datetime, not_after: datetime) -> datetime:
    """The time that was chosen in the authority's window (RFC 9773), but not so late that the alarm would be raised."""
    return min(chosen, alarm_at(not_before, not_after))


def ask_again_at(now: datetime, retry_after: timedelta) -> datetime:
    """When the authority's window is asked for next. RFC 9773, 4.3: a client bounds what the server says."""
    return now + min(max(retry_after, _LEAST_ASK), _MOST_ASK)


def alarm_at(not_before: datetime, not_after: datetime) -> datetime:
    """From then on a certificate that is not renewed is an incident."""
    return not_after - (not_after - not_before) * _LATEST
