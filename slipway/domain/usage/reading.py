"""What was used, as series: of an app, of a tenant's apps, of images, processes or replicas; in minutes, hours or days.

A tenant's session reads its own alone: whose rows are read follows from the subjects that it finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from slipway.core.usage import fields
from slipway.core.usage.fields import FIELDS, PEAKS, Usage
from slipway.core.usage.packing import MINUTES, unpack
from slipway.core.usage.periods import Period, Step
from slipway.db import Database
from slipway.models import UsageDay, UsageGap, UsageHour, UsageMinute, UsageSubject

AT_ONCE = 500
"""Subjects in one query."""
GAPS_MOST = 100


class By(StrEnum):
    """What a series is of."""

    NOTHING = "nothing"
    """All together."""
    APP = "app"
    PROCESS = "process"
    IMAGE = "image"
    REPLICA = "replica"


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """What is the same for all of a series; empty: it is of several, or has none."""

    app: str = ""
    app_id: int = 0
    environment: str = ""
    process: str = ""
    image: str = ""
    """A digest."""
    image_name: str = ""
    replica: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """`points`: by the step's number since 1970. A step without one: nothing was counted then."""

    group: Group
    points: Mapping[int, Usage]


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something is missing, or can't be placed; `kind` as `UsageGap` has it."""

    kind: str
    from_: datetime
    to: datetime
    records: int


@dataclass(frozen=True, slots=True)
class Question:
    """`apps`: their ids and when they were made (Unix milliseconds); None: all of the scope, deleted ones too."""

    period: Period
    by: By = By.NOTHING
    apps: Sequence[tuple[int, int]] | None = None
    fields: Sequence[str] = FIELDS


@dataclass(slots=True)
class _Portion:
    """Groups whose subjects are read by one query."""

    groups: dict[Group, list[int]] = field(default_factory=dict)

    @property
    def ids(self) -> list[int]:
        return [id_ for ids in self.groups.values() for id_ in ids]


def series(db: Database, question: Question, **scope: Any) -> Iterator[Series]:
    """One by one, in the order of their groups; only those with a point. Each portion of them is read in a transaction
    of its own, so that a slow reader holds none.

    Args:
        scope: as of `Database.read`.
    """
    with db.read(**scope) as session:
        portions = list(_portions(_groups(session, question)))
    for portion in portions:
        with db.read(**scope) as session:
            found = _read(session, question, portion)
        for group in sorted(portion.groups):
            if points := found.get(group):
                yield Series(group, dict(sorted(points.items())))


def gaps(session: Session, period: Period) -> list[Gap]:
    """The first ones that touch the period. They are every tenant's: nobody knows whose requests were in them."""
    begins, ends = period.begins_at.timestamp(), period.ends_at.timestamp()
    query = select(UsageGap).where(UsageGap.to_s >= begins, UsageGap.from_s < ends)
    return [
        Gap(
            row.kind,
            datetime.fromtimestamp(row.from_s, UTC),
            datetime.fromtimestamp(row.to_s, UTC),
            row.last_sequence - row.first_sequence + 1,
        )
        for row in session.scalars(query.order_by(UsageGap.to_s, UsageGap.id).limit(GAPS_MOST))
    ]


def _groups(session: Session, question: Question) -> list[tuple[Group, int]]:
    """The group of each subject, sorted."""
    query = select(UsageSubject)
    if question.apps is not None:
        ids = [app_id for app_id, _ in question.apps]
        query = query.where(UsageSubject.app_id.in_(ids))
    wanted = None if question.apps is None else set(question.apps)
    found = [
        (_group(row, question.by), row.id)
        for row in session.scalars(query)
        if wanted is None or (row.app_id, row.app_created_ms) in wanted
    ]
    return sorted(found)


def _group(row: UsageSubject, by: By) -> Group:
    if by is By.NOTHING:
        return Group()
    if by is By.IMAGE:
        return Group(image=row.image, image_name=row.image_name)
    app = Group(row.app_name, row.app_id)
    if by is By.APP:
        return app
    process = Group(row.app_name, row.app_id, row.environment, row.process)
    if by is By.PROCESS:
        return process
    return Group(row.app_name, row.app_id, row.environment, row.process, row.image, row.image_name, row.replica_id)


def _portions(groups: Sequence[tuple[Group, int]]) -> Iterator[_Portion]:
    """A group with more subjects than one query takes has a portion of its own."""
    portion, size = _Portion(), 0
    for group, pairs in groupby(groups, key=lambda pair: pair[0]):
        ids = [id_ for _, id_ in pairs]
        if portion.groups and size + len(ids) > AT_ONCE:
            yield portion
            portion, size = _Portion(), 0
        portion.groups[group] = ids
        size += len(ids)
    if portion.groups:
        yield portion


def _read(session: Session, question: Question, portion: _Portion) -> dict[Group, dict[int, Usage]]:
    group_of = {id_: group for group, ids in portion.groups.items() for id_ in ids}
    found: dict[Group, dict[int, Usage]] = {}
    hot = hot_minutes(session, question.period)
    for first in range(0, len(group_of), AT_ONCE):
        ids = portion.ids[first : first + AT_ONCE]
        for subject_id, number, usage in _rows(session, question, ids, hot):
            points = found.setdefault(group_of[subject_id], {})
            fields.add(points.setdefault(number, {}), usage)
    return found


def hot_minutes(session: Session, period: Period) -> range:
    """Minutes of the period that may not be in an hour's row yet."""
    oldest = session.scalar(select(func.min(UsageMinute.minute)))
    newest = session.scalar(select(func.max(UsageMinute.minute)))
    if oldest is None or newest is None:
        return range(0)
    each = period.step.seconds // 60
    return range(max(period.first * each, int(oldest)), min(period.end * each, int(newest) + 1))


def _rows(session: Session, question: Question, ids: Sequence[int], hot: range) -> Iterator[tuple[int, int, Usage]]:
    """Subject, number of the step, and what was used. One statement reads both tables: minutes move from one to the
    other."""
    period, names = question.period, question.fields
    for row in session.execute(_statement(period, names, ids, hot)):
        subject_id, number, minutes, *values = row
        if period.step is not Step.MINUTE or not minutes:
            yield subject_id, number, {name: int(value) for name, value in zip(names, values, strict=True) if value}
            continue
        for minute, usage in unpack(minutes).items():
            at = number + minute
            if period.first <= at < period.end:
                yield subject_id, at, {name: usage[name] for name in names if name in usage}


def _statement(period: Period, names: Sequence[str], ids: Sequence[int], hot: range) -> Any:
    kept = {Step.MINUTE: _packed_hours, Step.HOUR: _hours, Step.DAY: _days}[period.step](period, names, ids)
    if not hot:
        return kept
    minutes = _table(UsageMinute)
    number = _floored(minutes.c.minute, period.step)
    columns = [func.max(minutes.c[name]) if name in PEAKS else func.sum(minutes.c[name]) for name in names]
    together = (
        select(minutes.c.subject_id, number.label("number"), null().label("minutes"), *columns)
        .where(minutes.c.minute.in_(list(hot)), minutes.c.subject_id.in_(ids))
        .group_by(minutes.c.subject_id, number)
    )
    return union_all(kept, together)


def _floored(minute: ColumnElement[int], step: Step) -> ColumnElement[int]:
    return minute if step is Step.MINUTE else minute // literal(step.seconds // 60)


def _packed_hours(period: Period, names: Sequence[str], ids: Sequence[int]) -> Select[Any]:
    hours = _table(UsageHour)
    first, last = period.first // MINUTES, (period.end - 1) // MINUTES
    return select(
        hours.c.subject_id, (hours.c.hour * MINUTES).label("number"), hours.c.minutes, *(null() for _ in names)
    ).where(hours.c.subject_id.in_(ids), hours.c.hour.between(first, last), hours.c.minutes.is_not(None))


def _hours(period: Period, names: Sequence[str], ids: Sequence[int]) -> Select[Any]:
    hours = _table(UsageHour)
    return select(
        hours.c.subject_id, hours.c.hour.label("number"), null().label("minutes"), *(hours.c[name] for name in names)
    ).where(hours.c.subject_id.in_(ids), hours.c.hour.between(period.first, period.end - 1))


def _days(period: Period, names: Sequence[str], ids: Sequence[int]) -> Select[Any]:
    days = _table(UsageDay)
    return select(
        days.c.subject_id, days.c.day.label("number"), null().label("minutes"), *(days.c[name] for name in names)
    ).where(days.c.subject_id.in_(ids), days.c.day.between(period.first, period.end - 1))


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found
