"""Cron expressions: what they mean, held to croniter, and what is none."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import CroniterBadDateError, croniter

from slipway.core.runs.cron_expression import checked, parse
from slipway.core.runs.ticks import due_ticks, next_tick, ticks_after, zone_of
from slipway.errors import InvalidInput

START = datetime(2026, 2, 27, 23, 58, tzinfo=UTC)
MINUTES = ("*", "0", "*/7", "5,35", "10-20", "3-59/9")
HOURS = ("*", "0", "*/5", "4,16", "9-17", "22-23")
DAYS = ("*", "1", "29", "31", "13-15", "1,15")
MONTHS = ("*", "2", "jan", "4,JUN", "*/3", "9-12/2")
WEEKDAYS = ("*", "0", "7", "mon", "mon-fri", "SAT,sun", "1-5/2")


def some_expressions() -> list[str]:
    every = [" ".join(fields) for fields in itertools.product(MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS)]
    return random.Random(64).sample(every, 300)


@pytest.mark.parametrize("expression", some_expressions())
def test_its_ticks_are_those_of_croniter(expression: str) -> None:
    try:
        parsed = parse(expression)
    except InvalidInput:
        with pytest.raises(CroniterBadDateError):
            croniter(expression, START, max_years_between_matches=9).get_next(datetime)
        return
    theirs = croniter(expression, START)
    ours = ticks_after(parsed, ZoneInfo("UTC"), START)
    assert list(itertools.islice(ours, 12)) == [theirs.get_next(datetime) for _ in range(12)]


@pytest.mark.parametrize(
    ("expression", "next_at"),
    [
        ("@hourly", "2026-02-28T00:00"),
        ("@daily", "2026-02-28T00:00"),
        ("@weekly", "2026-03-01T00:00"),
        ("@monthly", "2026-03-01T00:00"),
        ("@yearly", "2027-01-01T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("59 23 * * *", "2026-02-27T23:59"),
        ("58 23 * * *", "2026-02-28T23:58"),
        ("0 12 13 * fri", "2026-03-06T12:00"),  # one of the two is enough
        ("0 12 */2 * fri", "2026-03-13T12:00"),  # crontab(5): a field that begins with * restricts the other
    ],
)
def test_its_next_tick(expression: str, next_at: str) -> None:
    assert next_tick(parse(expression), ZoneInfo("UTC"), START) == datetime.fromisoformat(f"{next_at}+00:00")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "0 of 5 fields"),
        ("* * * *", "4 of 5 fields"),
        ("0 0 * * * *", "6 of 5 fields"),
        ("60 * * * *", "'60' is no minute: it has to be from 0 to 59"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of the month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of the week"),
        ("5/15 * * * *", "write 5-59/15"),
        ("*/0 * * * *", "minute"),
        ("9-5 * * * *", "minute"),
        ("*-5 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("x * * * *", "minute"),
        ("* * * mon *", "month"),
        ("@reboot", "1 of 5 fields"),
        ("H * * * *", "minute"),
        ("0 0 31 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("١ * * * *", "minute"),
    ],
)
def test_what_is_none_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(InvalidInput, match=what.replace("*", r"\*")):
        checked(text)


def test_a_day_that_no_month_has_is_no_matter_where_a_weekday_is_enough() -> None:
    assert parse("0 0 31 2 mon").either_day


BERLIN = ZoneInfo("Europe/Berlin")


def local_ticks(expression: str, first: str, last: str) -> list[str]:
    start, end = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (first, last))
    found = itertools.takewhile(lambda tick: tick <= end, ticks_after(parse(expression), BERLIN, start))
    return [f"{tick.astimezone(BERLIN):%d %H:%M}" for tick in found]


def test_a_tick_that_clocks_leave_out_comes_later_and_once() -> None:
    assert local_ticks("30 2 * * *", "2026-03-28T00:00", "2026-03-30T12:00") == ["28 02:30", "29 03:30", "30 02:30"]
    assert local_ticks("0 * * * *", "2026-03-28T23:30", "2026-03-29T02:30") == ["29 01:00", "29 03:00", "29 04:00"]


def test_a_tick_that_clocks_repeat_comes_once_and_of_every_hour_twice() -> None:
    assert local_ticks("30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00") == ["25 02:30", "26 02:30"]
    twice = local_ticks("0,30 * * * *", "2026-10-24T23:45", "2026-10-25T01:45")
    assert twice == ["25 02:00", "25 02:30", "25 02:00", "25 02:30"]


def test_what_is_due_is_the_newest_and_how_many_there_were() -> None:
    expression, utc = parse("*/10 * * * *"), ZoneInfo("UTC")
    assert due_ticks(expression, utc, after=START, until=START + timedelta(minutes=1)) is None
    one = due_ticks(expression, utc, after=START, until=START + timedelta(minutes=2))
    assert one is not None
    assert (one.count, one.first, one.newest, one.before_newest) == (1, one.newest, START + timedelta(minutes=2), None)
    many = due_ticks(expression, utc, after=START, until=START + timedelta(minutes=60))
    assert many is not None
    assert (many.count, many.first) == (6, one.newest)
    assert many.newest - many.before_newest == timedelta(minutes=10)  # type: ignore[operator]
    long_ago = due_ticks(parse("@daily"), utc, after=START - timedelta(days=4000), until=START)
    assert long_ago is not None
    assert long_ago.count == 366


@pytest.mark.parametrize("name", ["", "Europe/Nowhere", "../../etc/passwd", "/etc/localtime", "x" * 60, "Europe"])
def test_what_is_no_timezone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="no timezone"):
        zone_of(name)


class CountingZone(ZoneInfo):
    """Counts how often it is asked for the time of a moment: at least once for each tick that is made."""

    asked = 0

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        CountingZone.asked += 1
        return super().utcoffset(at)


@pytest.mark.parametrize("expression", ["* * * * *", "0 0 29 2 *", "* * 1 1 *"])
@pytest.mark.parametrize("moment", [START, datetime(2026, 3, 29, 0, 30, tzinfo=UTC)])
def test_the_next_tick_is_found_without_those_of_a_whole_day(
    monkeypatch: pytest.MonkeyPatch, expression: str, moment: datetime
) -> None:
    monkeypatch.setattr(CountingZone, "asked", 0)
    zone = CountingZone("Europe/Berlin")
    assert next_tick(parse(expression), zone, moment) == next_tick(parse(expression), BERLIN, moment)
    assert 0 < CountingZone.asked < 8 * 60 * 4, "no more than the hours around a change of the clocks"


@pytest.mark.parametrize("place", ["Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut"])
def test_ticks_from_each_moment_around_a_change_of_the_clocks_are_the_same_ones(place: str) -> None:
    zone, expression = ZoneInfo(place), parse("*/20 * * * *")
    every = ticks_after(expression, zone, datetime(2026, 1, 1, tzinfo=UTC))
    pairs = itertools.pairwise(itertools.takewhile(lambda tick: tick.year == 2026, every))
    hours = timedelta(hours=5)
    changed = [
        (tick, following)
        for tick, following in pairs
        if (tick - hours).astimezone(zone).utcoffset() != (tick + hours).astimezone(zone).utcoffset()
    ]
    assert len(changed) >= 2 * 10 * 3 - 2
    assert [next_tick(expression, zone, tick) for tick, _ in changed] == [following for _, following in changed]
