"""Old runs go, with what they printed: the newest of each job of a schedule, and of those by hand, stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Select, delete, func, or_, select

from builder.agent.runs.holding import holder
from builder.agent.scope import REASON
from builder.agent.telemetry.output import OutputStore
from slipway.core.runs.states import ACTIVE
from slipway.db import Database
from slipway.models import Run, now

KEPT = 100
"""Of one job in one environment, or by hand."""
KEPT_OF_APP = 500
"""Of all jobs of an app in one environment and by hand together."""
AT_ONCE = 500
"""Rows that one transaction removes."""
PASS_MOST = 20_000
"""Rows that one call removes; the rest goes the next time."""


def trim_runs(db: Database, store: OutputStore, *, days: int) -> int:
    """Remove those that ended more than `days` ago, and those of which there are too many; says how many. The newest
    run of each job stays, and so does the one with its newest tick, from which its schedule goes on."""
    with db.read(platform=REASON) as session:
        old = list(session.scalars(_old(days).limit(PASS_MOST)))
    for first in range(0, len(old), AT_ONCE):
        _remove(db, store, old[first : first + AT_ONCE])
    return len(old)


def _old(days: int) -> Select[int]:
    of_job, of_app = (Run.app_id, Run.environment, Run.cron), (Run.app_id, Run.environment)
    numbered = (
        select(
            Run.id,
            Run.ended_at,
            Run.tick,
            func.row_number().over(partition_by=of_job, order_by=Run.id.desc()).label("in_job"),
            func.row_number().over(partition_by=of_app, order_by=Run.id.desc()).label("in_app"),
            func.max(Run.tick).over(partition_by=of_job).label("newest_tick"),
        )
        .where(Run.state.not_in([str(state) for state in ACTIVE]))
        .subquery()
    )
    is_old = numbered.c.ended_at < now() - timedelta(days=days)
    goes_on_from = numbered.c.tick.is_not(None) & (numbered.c.tick == numbered.c.newest_tick)
    return (
        select(numbered.c.id)
        .where(or_(numbered.c.in_job > KEPT, numbered.c.in_app > KEPT_OF_APP, is_old))
        .where(numbered.c.in_job > 1, ~goes_on_from)
    )


def _remove(db: Database, store: OutputStore, run_ids: Sequence[int]) -> None:
    for run_id in run_ids:
        store.remove(holder(run_id))
    with db.write(platform=REASON) as session:
        session.execute(delete(Run).where(Run.id.in_(run_ids)))
