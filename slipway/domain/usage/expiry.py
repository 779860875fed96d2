"""Removes what is kept no longer, in small transactions. Subject by subject: that is how rows of hours and days lie."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from slipway.core.usage.periods import DAYS_KEPT, HOURS_KEPT, MINUTES_KEPT, Step
from slipway.db import Database
from slipway.models import UsageDay, UsageGap, UsageHour, UsageMeter, UsageMinute, UsagePosition, UsageSubject

REASON = "remove old rows of use"
AT_ONCE = 200
"""Subjects in a transaction."""
METERS_KEPT_MS = 2 * 86_400_000
"""A replica that has not been sampled for so long runs no more."""


def expire(db: Database, now_s: float) -> int:
    """Says how many rows went."""
    with db.write(platform=REASON) as session:
        removed = _expire_few(session, now_s)
    after = 0
    while ids := _ids_after(db, after):
        after = ids[-1]
        with db.write(platform=REASON) as session:
            removed += _expire_of(session, UsageHour.subject_id.in_(ids), UsageDay.subject_id.in_(ids), now_s)
            removed += _remove_subjects(session, ids)
    return removed + _remove_orphans(db)


def _expire_few(session: Session, now_s: float) -> int:
    oldest_s = int(now_s - DAYS_KEPT.total_seconds())
    found = [
        session.execute(delete(UsageGap).where(UsageGap.to_s < oldest_s)),
        session.execute(delete(UsagePosition).where(UsagePosition.until_s < oldest_s)),
        session.execute(delete(UsageMeter).where(UsageMeter.at_ms < now_s * 1000 - METERS_KEPT_MS)),
    ]
    return sum(each.rowcount for each in found)


def _expire_of(session: Session, hours: ColumnElement[bool], days: ColumnElement[bool], now_s: float) -> int:
    before = {step: step.number(now_s - kept.total_seconds()) for step, kept in _KEPT.items()}
    session.execute(
        update(UsageHour)
        .where(hours, UsageHour.hour < before[Step.MINUTE] // 60, UsageHour.minutes.is_not(None))
        .values(minutes=None)
    )
    found = [
        session.execute(delete(UsageHour).where(hours, UsageHour.hour < before[Step.HOUR])),
        session.execute(delete(UsageDay).where(days, UsageDay.day < before[Step.DAY])),
    ]
    return sum(each.rowcount for each in found)


_KEPT = {Step.MINUTE: MINUTES_KEPT, Step.HOUR: HOURS_KEPT, Step.DAY: DAYS_KEPT}


def _ids_after(db: Database, after: int) -> list[int]:
    with db.read(platform=REASON) as session:
        query = select(UsageSubject.id).where(UsageSubject.id > after).order_by(UsageSubject.id).limit(AT_ONCE)
        return list(session.scalars(query))


def _remove_subjects(session: Session, ids: list[int]) -> int:
    """Those of which nothing is kept. One that is needed again is made anew."""
    kept = [
        exists().where(model.subject_id == UsageSubject.id) for model in (UsageMinute, UsageHour, UsageDay)
    ]
    return session.execute(delete(UsageSubject).where(UsageSubject.id.in_(ids), ~or_(*kept))).rowcount


def _remove_orphans(db: Database) -> int:
    """What was used by tenants that are gone, with whom their subjects went."""
    removed = 0
    for model in (UsageMinute, UsageHour, UsageDay):
        with db.read(platform=REASON) as session:
            known = exists().where(UsageSubject.id == model.subject_id)
            gone = set(session.scalars(select(model.subject_id).where(~known).distinct().limit(AT_ONCE)))
        if gone:
            with db.write(platform=REASON) as session:
                removed += session.execute(delete(model).where(model.subject_id.in_(gone))).rowcount
    return removed
