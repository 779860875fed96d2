"""How long a tenant has built in a calendar month (UTC)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil


@dataclass(frozen=True, slots=True)
class Month:
    """From `start` until before `end`."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, moment: datetime) -> Month:
        """The one that the moment lies in."""
        start = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        is_december = start.month == 12
        end = start.replace(year=start.year + is_december, month=1 if is_december else start.month + 1)
        return cls(start, end)


def built_s(builds: Iterable[tuple[datetime, datetime | None]], month: Month, now: datetime) -> int:
    """The seconds of these builds that lie in the month, rounded up once. A build without an end goes on now."""
    return ceil(sum(_within(month, started, now if ended is None else ended) for started, ended in builds))


def _within(month: Month, started: datetime, ended: datetime) -> float:
    """A clock that was set back makes no negative time."""
    return max(0.0, (min(ended, month.end) - max(started, month.start)).total_seconds())
