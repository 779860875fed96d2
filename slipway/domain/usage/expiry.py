"""Removes what is kept no longer, in small transactions. Subject by subject: that is how rows of hours and days lie."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import CursorResult, Delete, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from slipway.core.usage.periods import DAYS_KEPT, Step
from slipway.core.usage.records import NOBODY
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
        removed = _expire_positions(session, now_s)
    after = 0
    while ids := _ids_after(db, after):
        after = ids[-1]
        with db.write(platform=REASON) as session:
            removed += _remove_of_gone_tenants(session, ids)
            removed += _expire_of(session, ids, now_s)
            removed += _remove_subjects(session, ids)
    return removed


def _expire_positions(session: Session, now_s: float) -> int:
    oldest_s = int(now_s - DAYS_KEPT.total_seconds())
    return _removed(
        session,
        delete(UsageGap).where(UsageGap.to_s < oldest_s),
        delete(UsagePosition).where(UsagePosition.until_s < oldest_s),
        delete(UsageMeter).where(UsageMeter.at_ms < now_s * 1000 - METERS_KEPT_MS),
    )


def _ids_after(db: Database, after: int) -> list[int]:
    with db.read(platform=REASON) as session:
        query = select(UsageSubject.id).where(UsageSubject.id > after).order_by(UsageSubject.id).limit(AT_ONCE)
        return list(session.scalars(query))


def _remove_of_gone_tenants(session: Session, ids: Sequence[int]) -> int:
    """What was used by tenants that are gone: their subjects have none."""
    are_gone = (UsageSubject.tenant_id.is_(None), UsageSubject.app_id != NOBODY)
    gone = list(session.scalars(select(UsageSubject.id).where(UsageSubject.id.in_(ids), *are_gone)))
    if not gone:
        return 0
    return _removed(
        session,
        *(delete(model).where(model.subject_id.in_(gone)) for model in (UsageMinute, UsageHour, UsageDay)),
        delete(UsageSubject).where(UsageSubject.id.in_(gone)),
    )


def _expire_of(session: Session, ids: Sequence[int], now_s: float) -> int:
    before = {step: step.number(now_s - step.kept.total_seconds()) for step in Step}
    of_these = UsageHour.subject_id.in_(ids)
    had_minutes = (UsageHour.hour < before[Step.MINUTE] // 60, UsageHour.minutes.is_not(None))
    session.execute(update(UsageHour).where(of_these, *had_minutes).values(minutes=None))
    return _removed(
        session,
        delete(UsageHour).where(of_these, UsageHour.hour < before[Step.HOUR]),
        delete(UsageDay).where(UsageDay.subject_id.in_(ids), UsageDay.day < before[Step.DAY]),
    )


def _remove_subjects(session: Session, ids: Sequence[int]) -> int:
    """Those of which nothing is kept, but for apps: what is reported late of one that is deleted is still its own."""
    kept = [exists().where(model.subject_id == UsageSubject.id) for model in (UsageMinute, UsageHour, UsageDay)]
    is_app = (UsageSubject.image == "") & (UsageSubject.replica_id == "")
    return _removed(session, delete(UsageSubject).where(UsageSubject.id.in_(ids), ~is_app, ~or_(*kept)))


def _removed(session: Session, *statements: Delete) -> int:
    results = [session.execute(each) for each in statements]
    return sum(each.rowcount for each in results if isinstance(each, CursorResult))
