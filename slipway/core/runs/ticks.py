"""When a schedule wants its runs: the moments of a cron expression in a timezone.

Where clocks are set forward, a tick within the hour that is left out comes as much later. Where they are set back, a
tick within the hour that comes twice comes once, at the first; of a schedule for every hour, twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slipway.core.runs.cron_expression import CronExpression
from slipway.errors import InvalidInput

_DAYS_MOST = 366 * 9
"""Between two ticks lie eight years at most: 29 February around 2100."""
_FORGOTTEN = timedelta(days=366)


def zone_of(name: str) -> ZoneInfo:
    """Raises `InvalidInput`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"there is no timezone {name[:60]!r}", remedy="name one such as Europe/Berlin, or UTC"
        ) from None


def checked_zone(name: str) -> str:
    zone_of(name)
    return name


def ticks_after(expression: CronExpression, zone: ZoneInfo, moment: datetime) -> Iterator[datetime]:
    """Those later than the moment, in UTC, the earliest first."""
    first = moment.astimezone(zone).date() - timedelta(days=1)
    last = moment
    for number in range(_DAYS_MOST):
        day = first + timedelta(days=number)
        if expression.is_on(day):
            for tick in sorted(_of_day(expression, zone, day)):
                if tick > last:
                    last = tick
                    yield tick


def next_tick(expression: CronExpression, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first after the moment; None: it is years away."""
    return next(ticks_after(expression, zone, moment), None)


@dataclass(frozen=True, slots=True)
class DueTicks:
    """Those that came since the schedule was looked at last."""

    first: datetime
    newest: datetime
    before_newest: datetime | None
    """None: there is one."""
    count: int


def due_ticks(expression: CronExpression, zone: ZoneInfo, *, after: datetime, until: datetime) -> DueTicks | None:
    """The ticks after one moment and not after another; None: there are none. Those of more than a year ago are
    forgotten."""
    since = max(after, until - _FORGOTTEN)
    found: DueTicks | None = None
    for tick in itertools.takewhile(lambda tick: tick <= until, ticks_after(expression, zone, since)):
        found = DueTicks(found.first, tick, found.newest, found.count + 1) if found else DueTicks(tick, tick, None, 1)
    return found


def _of_day(expression: CronExpression, zone: ZoneInfo, day: date) -> set[datetime]:
    folds = (0, 1) if expression.every_hour else (0,)
    times = itertools.product(expression.hours, expression.minutes, folds)
    return {datetime.combine(day, time(hour, minute, fold=fold), zone).astimezone(UTC) for hour, minute, fold in times}
