"""Requeues deployments that a worker should have claimed and has not, so that losing Redis or a worker loses no push.

A row that a worker claimed (fetching, building) is stale when its heartbeat is older than `lapse_s`. A queued one is
checked when it is that old: while its job waits in Redis, or was claimed a moment ago, workers are merely busy. In
every other case the job is lost or ended without a claim. Both get a new attempt: its job id is new, so an old job that
turns up late finds its attempt overtaken and does nothing, and the same attempt is never enqueued twice.

A deployment whose workers are lost again and again fails: something in it may be what they die of. A worker that is
stopped in order hands its deployment back, and does not count.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import select

from slipway.core.deployment.states import WITH_WORKER, State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import TO_CHANGE, Deployment, now
from slipway.ports.queue import DeploymentQueue

log = logging.getLogger(__name__)

_WHY = "agent: requeue stale deployments"
MOST_LOST_WORKERS = 3
"""A deployment fails when so many workers that had claimed it have stopped reporting."""
_LOST = "its worker stopped reporting"
_STATES = [str(state) for state in (State.QUEUED, *WITH_WORKER)]


def requeue_stale(db: Database, queue: DeploymentQueue, *, lapse_s: float) -> int:
    """Check all once, and say how many were requeued."""
    before = now() - timedelta(seconds=lapse_s)
    with db.read(platform=_WHY) as session:
        rows = session.scalars(select(Deployment).where(Deployment.state.in_(_STATES)).order_by(Deployment.id))
        silent = [row for row in rows if intents.needs_build(row) and _last_heartbeat(row) < before]
    stale = [row for row in silent if row.state != State.QUEUED or _is_lost(queue, row, lapse_s)]
    return sum(_requeue(db, queue, row.id, row.attempt, before) for row in stale)


def _last_heartbeat(row: Deployment) -> datetime:
    return max(row.created_at, row.heartbeat_at or row.created_at)


def _is_lost(queue: DeploymentQueue, row: Deployment, lapse_s: float) -> bool:
    return queue.build_is_pending(row.id, row.attempt, claimed_within_s=lapse_s) is False


def _requeue(db: Database, queue: DeploymentQueue, deployment_id: int, attempt: int, before: datetime) -> bool:
    with db.write(platform=_WHY) as session:
        row = session.get(Deployment, deployment_id, with_for_update=TO_CHANGE)
        if row is None or row.state not in _STATES or row.attempt != attempt or _last_heartbeat(row) >= before:
            return False
        silent_since = _last_heartbeat(row)  # nobody has built since, however late this is found
        if row.stop_requested:
            lifecycle.end_step(row, ok=False, note=row.stop_why, at=silent_since)
            lifecycle.stop(row, State(row.stop_requested), row.stop_why)
            return False
        if row.state != State.QUEUED:
            is_last = _lost_workers(row) + 1 >= MOST_LOST_WORKERS
            note = _LOST if is_last else f"{_LOST}; another attempt follows"
            lifecycle.end_step(row, ok=False, note=note, at=silent_since)
            if is_last:
                lifecycle.fail(row, _given_up(deployment_id))
                return False
            lifecycle.advance(row, State.QUEUED)
        row.attempt += 1
        row.heartbeat_at = now()
        attempt = row.attempt
    log.warning("requeued", extra={"deployment": deployment_id, "attempt": attempt})
    queue.enqueue_build(deployment_id, attempt)
    return True


def _lost_workers(row: Deployment) -> int:
    return sum(step["note"].startswith(_LOST) for step in row.steps)


def _given_up(deployment_id: int) -> DeploymentFailed:
    return DeploymentFailed(
        "worker-lost",
        f"{MOST_LOST_WORKERS} workers stopped reporting while they worked on it, so it is not tried again by itself",
        remedy="try again: slipway deploy; the host's owner finds in the workers' log why they ended, "
        f"at deployment {deployment_id}",
    )
