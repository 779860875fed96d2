"""What each replica used in the last minutes, in one query for all that a session reaches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.models import UsageMinute, UsageSubject

MINUTES = 3
"""The minute that goes on and those before it: samples are written every half a minute."""


@dataclass(frozen=True, slots=True)
class RecentUse:
    """Averages over the time that the replica ran in these minutes."""

    cpus: float
    memory_bytes: int


def replicas_use(session: Session, at_s: float, only: Collection[str] | None = None) -> dict[str, RecentUse]:
    """By replica; those of which nothing was measured are left out. `at_s`: now (Unix seconds). `only`: of these."""
    last = int(at_s // 60)
    query = (
        select(UsageSubject.replica_id, func.sum(UsageMinute.running_ms), func.sum(UsageMinute.cpu_us))
        .add_columns(func.sum(UsageMinute.memory_byte_s))
        .join(UsageMinute, UsageMinute.subject_id == UsageSubject.id)
        .where(UsageMinute.minute.in_(range(last - MINUTES + 1, last + 1)), UsageSubject.replica_id != "")
        .group_by(UsageSubject.replica_id)
    )
    if only is not None:
        query = query.where(UsageSubject.replica_id.in_(only))
    return {
        replica_id: RecentUse(int(cpu_us or 0) / 1000 / int(ran_ms), int(byte_s or 0) * 1000 // int(ran_ms))
        for replica_id, ran_ms, cpu_us, byte_s in session.execute(query)
        if ran_ms
    }
