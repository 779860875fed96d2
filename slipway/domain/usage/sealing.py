"""Moves the minutes of hours that are over into one row an hour for each subject, and adds the hour to its day.

What is counted stands in one of both places: minutes are removed in the transaction that adds them to the hour. So it
does not matter when this runs, whether it was killed, or how late a record came: its minute is moved like any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Table, delete, func, select
from sqlalchemy.orm import Session

from slipway.core.usage import fields
from slipway.core.usage.fields import FIELDS, Usage
from slipway.core.usage.packing import MINUTES, pack, unpack
from slipway.core.usage.periods import MINUTES_KEPT, SEALED_AFTER, Step
from slipway.db import Database
from slipway.domain.usage import storing, subjects
from slipway.domain.usage.storing import Subject
from slipway.models import UsageDay, UsageHour, UsageMinute, UsageSubject

REASON = "put minutes of use together"
AT_ONCE = 200
"""Subjects in a transaction: others wait for it on SQLite."""


@dataclass(frozen=True, slots=True)
class _Hour:
    """An hour of one subject, from its minutes and what was sealed before."""

    subject: Subject
    added: Usage
    minutes: Mapping[int, Usage]


def seal(db: Database, now_s: float) -> int:
    """Move what can be moved; says how many rows of minutes that were. Only one may do it at a time, and nobody may add
    to those minutes meanwhile."""
    moved = 0
    while hour := _next_hour(db, now_s):
        with db.read(platform=REASON) as session:
            query = select(UsageMinute.subject_id).distinct().where(UsageMinute.minute.in_(_minutes_of(hour)))
            ids = sorted(session.scalars(query))
        for first in range(0, len(ids), AT_ONCE):
            moved += _move(db, hour, ids[first : first + AT_ONCE], now_s)
    return moved


def _next_hour(db: Database, now_s: float) -> int | None:
    """The oldest one with minutes, if it is over."""
    with db.read(platform=REASON) as session:
        oldest = session.scalar(select(func.min(UsageMinute.minute)))
    if oldest is None:
        return None
    hour = int(oldest) // MINUTES
    return hour if Step.HOUR.number(now_s - SEALED_AFTER.total_seconds()) > hour else None


def _minutes_of(hour: int) -> list[int]:
    return list(range(hour * MINUTES, (hour + 1) * MINUTES))


def _move(db: Database, hour: int, ids: Sequence[int], now_s: float) -> int:
    its = (UsageMinute.minute.in_(_minutes_of(hour)), UsageMinute.subject_id.in_(ids))
    is_kept = Step.HOUR.begins(hour + 1).timestamp() > now_s - MINUTES_KEPT.total_seconds()
    with db.read(platform=REASON) as session:
        rows = [dict(row) for row in session.execute(select(_table(UsageMinute)).where(*its)).mappings()]
        known = dict(
            session.execute(
                select(UsageHour.subject_id, UsageHour.minutes).where(
                    UsageHour.hour == hour, UsageHour.subject_id.in_(ids)
                )
            ).all()
        )
    hours = list(_hours(hour, rows, known))
    packed = {each.subject.id: pack(each.minutes) if is_kept else None for each in hours}
    with db.write(platform=REASON) as session:
        keys = ("subject_id", "hour", "tenant_id", "minutes")
        added = (
            (
                dict(zip(keys, (each.subject.id, hour, each.subject.tenant_id, packed[each.subject.id]), strict=True)),
                each.added,
            )
            for each in hours
        )
        storing.add(session, UsageHour, added, replacing=("minutes",))
        _add_days(session, hour, hours)
        session.execute(delete(UsageMinute).where(*its))
    return len(rows)


def _hours(hour: int, rows: Sequence[Mapping[str, Any]], known: Mapping[int, bytes | None]) -> Iterator[_Hour]:
    by_subject: dict[Subject, dict[int, Usage]] = defaultdict(dict)
    for row in rows:
        usage = {name: int(row[name]) for name in FIELDS if row[name]}
        by_subject[Subject(row["subject_id"], row["tenant_id"])][row["minute"] - hour * MINUTES] = usage
    for subject, minutes in sorted(by_subject.items()):
        together = unpack(known.get(subject.id))
        for minute, usage in minutes.items():
            fields.add(together.setdefault(minute, {}), usage)
        yield _Hour(subject, fields.total(minutes.values()), together)


def _add_days(session: Session, hour: int, hours: Sequence[_Hour]) -> None:
    """A replica's use goes to its process: replicas come with each deployment, and days are kept for a year."""
    whose = _owners_of_days(session, [each.subject.id for each in hours])
    days: dict[Subject, Usage] = defaultdict(dict)
    for each in hours:
        fields.add(days[whose.get(each.subject.id, each.subject)], each.added)
    day = hour // 24
    rows = (
        ({"subject_id": subject.id, "day": day, "tenant_id": subject.tenant_id}, usage)
        for subject, usage in sorted(days.items())
    )
    storing.add(session, UsageDay, rows)


def _owners_of_days(session: Session, ids: Sequence[int]) -> dict[int, Subject]:
    query = select(_table(UsageSubject)).where(UsageSubject.id.in_(ids), UsageSubject.replica_id != "")
    replicas = {}
    for row in session.execute(query).mappings():
        values = {name: value for name, value in row.items() if name != "id"}
        replicas[row["id"]] = replace(subjects.Description(**values), replica_id="")
    numbers = subjects.numbered(session, replicas.values())
    return {id_: numbers[process] for id_, process in replicas.items()}


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found
