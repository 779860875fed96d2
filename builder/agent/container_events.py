"""What an event of the container runtime changes at once, before any pass: a dead replica leaves the route table, and
the record says how it ended.

A pass repairs whatever an event missed; nothing here may be needed for the state to become right.
"""

from __future__ import annotations

import logging

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from builder.agent.dependencies import REASON, Dependencies, Scope
from builder.agent.rollout.crashes import memory_limit
from builder.agent.routes.targets import remove_target
from slipway.core.rollout.crash import Crash
from slipway.core.rollout.fleet import READY, STARTING
from slipway.errors import DependencyUnavailable
from slipway.models import Replica
from slipway.ports.runtime import Change, Happened

log = logging.getLogger(__name__)


def handle(dependencies: Dependencies, change: Change) -> bool:
    """Record the change. Returns whether routes changed, which then wait to be published."""
    dependencies.observed_state.report(change)
    if change.what not in (Happened.DIED, Happened.OUT_OF_MEMORY):
        return False
    try:
        with dependencies.db.read(platform=REASON) as session:
            if _replica(session, change) is None:
                return False
        with dependencies.db.write(platform=REASON) as session:
            row = _replica(session, change)
            return row is not None and _record(dependencies, session, row, change)
    except DependencyUnavailable as error:
        log.warning("an end is recorded later", extra={"replica": change.replica_id, "why": error.message})
        return False


def _replica(session: Session, change: Change) -> Replica | None:
    """The row that the container runs for: not one that the agent ends, nor one's earlier container, nor a command."""
    is_its = or_(Replica.container_id == change.container_id, Replica.container_id.is_(None))
    query = select(Replica).where(Replica.id == change.replica_id, is_its, Replica.state.in_((STARTING, READY)))
    return session.scalar(query)


def _record(dependencies: Dependencies, session: Session, row: Replica, change: Change) -> bool:
    out_of_memory = dependencies.observed_state.is_out_of_memory(change.container_id)
    crash = Crash(change.container_id, change.at, change.exit_code, out_of_memory, memory_limit(session, row))
    if change.what == Happened.OUT_OF_MEMORY:
        row.out_of_memory_at = crash.when
        log.warning("a process was killed: out of memory", extra={"replica": row.id, "app_id": row.app_id})
        return False
    row.last_crash = crash.to_json()
    log.info("died", extra={"replica": row.id, "app_id": row.app_id, "why": crash.cause})
    return remove_target(session, Scope(row.app_id, row.tenant_id, row.environment), row)
