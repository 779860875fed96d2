"""Cron expressions, as crontab(5) of Debian has them: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from slipway.errors import InvalidInput

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
_PART = re.compile(r"(?P<first>\*|[0-9a-z]+)(?:-(?P<last>[0-9a-z]+))?(?:/(?P<step>[0-9]{1,4}))?")
_REMEDY = "write minute, hour, day of the month, month and day of the week, such as 30 4 * * mon-fri; or @daily"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    """Of its values from `least` on."""


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class CronExpression:
    """The values that each field allows."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either_day: bool
    """Both kinds of days are restricted, neither begins with `*`: one that is of either kind counts."""

    @property
    def every_hour(self) -> bool:
        return len(self.hours) == 24

    def is_on(self, day: date) -> bool:
        """Has the day a tick?"""
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either_day else of_month and of_week


def parse(text: str) -> CronExpression:
    """Raises `InvalidInput`, which names the field and the rule."""
    given = text.strip().lower()
    words = _MACROS.get(given, given).split()
    if len(words) != len(_FIELDS):
        raise InvalidInput(f"{text[:100]!r} is no cron expression: it has {len(words)} of 5 fields", remedy=_REMEDY)
    minutes, hours, days, months, weekdays = (_values(field, word) for field, word in zip(_FIELDS, words, strict=True))
    found = CronExpression(
        minutes,
        hours,
        days,
        months,
        frozenset(each % 7 for each in weekdays),
        either_day=not words[2].startswith("*") and not words[4].startswith("*"),
    )
    if not found.either_day and min(days) > max(_LONGEST[month] for month in months):
        raise InvalidInput(f"{text[:100]!r} never comes: no such month has that day", remedy=_REMEDY)
    return found


def checked(text: str) -> str:
    """The expression without what means nothing. Raises `InvalidInput` as `parse` does."""
    parse(text)
    return " ".join(text.split())


def _values(field: _Field, word: str) -> frozenset[int]:
    return frozenset().union(*(_of_part(field, part) for part in word.split(",")))


def _of_part(field: _Field, part: str) -> frozenset[int]:
    found = _PART.fullmatch(part)
    if found is None or (found["first"] == "*" and found["last"]):
        raise _wrong(field, part)
    if found["first"] == "*":
        first, last = field.least, field.most
    else:
        first = _number(field, found["first"])
        last = _number(field, found["last"]) if found["last"] else first
        if found["step"] and not found["last"]:
            raise _wrong(field, part, f": write {first}-{field.most}/{found['step']}")
    step = int(found["step"] or 1)
    if step < 1 or last < first:
        raise _wrong(field, part)
    return frozenset(range(first, last + 1, step))


def _number(field: _Field, text: str) -> int:
    number = field.least + field.names.index(text) if text in field.names else int(text) if text.isdecimal() else -1
    if not field.least <= number <= field.most:
        raise _wrong(field, text, f": it has to be from {field.least} to {field.most}")
    return number


def _wrong(field: _Field, part: str, rule: str = "") -> InvalidInput:
    return InvalidInput(f"{part[:40]!r} is no {field.name}{rule}", remedy=_REMEDY)
