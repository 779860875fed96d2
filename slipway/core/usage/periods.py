"""Periods and steps of what is shown, and how long it is kept in which steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from slipway.errors import InvalidInput

POINTS_MOST = 1500
"""Of a series, as a screen is wide."""
MINUTES_KEPT = timedelta(days=7)
HOURS_KEPT = timedelta(days=62)
"""This month and the last, whatever their lengths."""
DAYS_KEPT = timedelta(days=400)
"""Thirteen months."""
SEALED_AFTER = timedelta(minutes=5)
"""An hour that has been over for so long gets one row for each subject. What comes later is added."""


class Step(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        return {Step.MINUTE: 60, Step.HOUR: 3600, Step.DAY: 86400}[self]

    @property
    def kept(self) -> timedelta:
        return {Step.MINUTE: MINUTES_KEPT, Step.HOUR: HOURS_KEPT, Step.DAY: DAYS_KEPT}[self]

    def number(self, unix_s: float) -> int:
        """Of the step that the moment lies in, since 1970 (UTC)."""
        return int(unix_s // self.seconds)

    def begins(self, number: int) -> datetime:
        return datetime.fromtimestamp(number * self.seconds, UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole steps from `first` until before `end`, by their numbers since 1970."""

    step: Step
    first: int
    end: int

    def numbers(self) -> Iterator[int]:
        return iter(range(self.first, self.end))

    @property
    def begins_at(self) -> datetime:
        return self.step.begins(self.first)

    @property
    def ends_at(self) -> datetime:
        return self.step.begins(self.end)


def period(now: datetime, from_: datetime | None, to: datetime | None, step: Step | None) -> Period:
    """The whole steps that the time between touches. Without `from_` it is the last 24 steps or 60 minutes; without
    `step` the smallest one that is kept for so long and makes no more than 300 points.

    Raises:
        InvalidInput: it ends before it begins, or has more points than are shown at once.
    """
    ends = min(to or now, now + timedelta(days=1))
    begins = from_ or ends - _usual(step)
    if begins >= ends:
        raise InvalidInput("The period ends before it begins.", remedy="give `from` before `to`")
    chosen = step or _smallest(now, begins, ends)
    last = -int(-ends.timestamp() // chosen.seconds)
    made = Period(chosen, max(0, chosen.number(begins.timestamp())), last)
    if made.end - made.first > POINTS_MOST:
        raise InvalidInput(
            f"From {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} there are more than {POINTS_MOST} {chosen}s.",
            remedy="ask for a shorter period, or for a larger step: minute, hour, day",
        )
    return made


def _usual(step: Step | None) -> timedelta:
    return {None: timedelta(days=1), Step.MINUTE: timedelta(hours=1), Step.HOUR: timedelta(days=1)}.get(
        step, timedelta(days=30)
    )


def _smallest(now: datetime, begins: datetime, ends: datetime) -> Step:
    for step in Step:
        if begins >= now - step.kept and (ends - begins) / timedelta(seconds=step.seconds) <= 300:
            return step
    return Step.DAY
