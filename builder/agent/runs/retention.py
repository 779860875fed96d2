"""Old runs go, with what they printed: the newest of each job of a schedule, and of those by hand, stay."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, or_, select

from builder.agent.runs.holding import holder
from builder.agent.scope import REASON
from builder.agent.telemetry.output import OutputStore
from slipway.core.runs.states import ACTIVE
from slipway.db import Database
from slipway.models import Run, now

KEPT = 100
"""Of one job in one environment, or by hand."""
AT_ONCE = 500
"""Rows that one transaction removes; the rest goes the next time."""


def trim_runs(db: Database, store: OutputStore, *, days: int) -> int:
    """Remove those that ended more than `days` ago, but for the newest of each job, and those of which there are too
    many; says how many."""
    whose = (Run.app_id, Run.environment, Run.cron)
    age = func.row_number().over(partition_by=whose, order_by=Run.id.desc()).label("age")
    ended = Run.state.not_in([str(state) for state in ACTIVE])
    numbered = select(Run.id, Run.ended_at, age).where(ended).subquery()
    before = now() - timedelta(days=days)
    too_old = or_(numbered.c.age > KEPT, (numbered.c.age > 1) & (numbered.c.ended_at < before))
    with db.read(platform=REASON) as session:
        old = list(session.scalars(select(numbered.c.id).where(too_old).limit(AT_ONCE)))
    for run_id in old:
        store.remove(holder(run_id))
    if old:
        with db.write(platform=REASON) as session:
            session.execute(delete(Run).where(Run.id.in_(old)))
    return len(old)
