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

_DAYS_MOST = timedelta(days=366 * 9)
"""Between two ticks lie eight years at most: 29 February around 2100."""
_FORGOTTEN = timedelta(days=366)
_SET_MOST = timedelta(hours=3)
"""Clocks are set by less."""


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
    """Those later than the moment, in UTC, the earliest first. No more are made than are taken, but for those of one
    hour, or of the hours around a change of the clocks."""
    last = moment
    hours = _hours(expression, _first_hour(zone, moment))
    for (is_steady, _), group in itertools.groupby(hours, lambda hour: (_is_steady(zone, hour), hour.date())):
        ticks = itertools.chain.from_iterable(_of_hour(expression, zone, hour, is_steady) for hour in group)
        for tick in ticks if is_steady else sorted(ticks):
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


def _first_hour(zone: ZoneInfo, moment: datetime) -> datetime:
    """By the zone's clocks, without the zone: no tick after the moment is of an hour before."""
    hour = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    return hour if _is_steady(zone, hour) else hour - _SET_MOST


def _hours(expression: CronExpression, first: datetime) -> Iterator[datetime]:
    """The hours with ticks, by the zone's clocks."""
    hours = sorted(expression.hours)
    for day in _days(expression, first.date()):
        for hour in hours:
            at = datetime.combine(day, time(hour))
            if at >= first:
                yield at


def _days(expression: CronExpression, first: date) -> Iterator[date]:
    """The days with ticks; months without any are passed over at once."""
    day, end = first, first + _DAYS_MOST
    while day < end:
        if day.month not in expression.months:
            day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
            continue
        if expression.is_on(day):
            yield day
        day += timedelta(days=1)


def _is_steady(zone: ZoneInfo, hour: datetime) -> bool:
    """Are no clocks set around the hour?"""
    around = (hour - _SET_MOST, hour + _SET_MOST)
    before, after = (each.replace(tzinfo=zone).utcoffset() for each in around)
    return before == after


def _of_hour(expression: CronExpression, zone: ZoneInfo, hour: datetime, is_steady: bool) -> Iterator[datetime]:
    """In order where no clocks are set."""
    minutes = sorted(expression.minutes)
    if is_steady:
        begins = hour.replace(tzinfo=zone).astimezone(UTC)
        return (begins + timedelta(minutes=minute) for minute in minutes)
    folds = (0, 1) if expression.every_hour else (0,)
    times = itertools.product(minutes, folds)
    return (hour.replace(minute=minute, fold=fold, tzinfo=zone).astimezone(UTC) for minute, fold in times)
