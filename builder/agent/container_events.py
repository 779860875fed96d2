"""Events of the container runtime: a dead replica leaves the route table at once, and its row says how it ended.

The next pass repairs whatever an event missed, so the state becomes right without any event.
"""

from __future__ import annotations

import logging

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from builder.agent.observed_state import ObservedState
from builder.agent.rollout.crashes import memory_limit
from builder.agent.routes.targets import remove_target
from builder.agent.scope import REASON, Scope
from slipway.core.rollout.crash import Crash
from slipway.core.rollout.replica_states import READY, STARTING
from slipway.db import Database
from slipway.errors import DependencyUnavailable
from slipway.models import Replica
from slipway.ports.runtime import Change, Happened

log = logging.getLogger(__name__)


class ContainerEvents:
    def __init__(self, db: Database, observed_state: ObservedState) -> None:
        self._db = db
        self._observed_state = observed_state

    def handle(self, change: Change) -> bool:
        """Record the change. Returns whether routes changed, which then wait to be published."""
        self._observed_state.report(change)
        if change.what not in (Happened.DIED, Happened.OUT_OF_MEMORY):
            return False
        try:
            with self._db.read(platform=REASON) as session:
                if _replica(session, change) is None:
                    return False
            with self._db.write(platform=REASON) as session:
                row = _replica(session, change)
                return row is not None and self._record(session, row, change)
        except DependencyUnavailable as error:
            log.warning("an end is recorded later", extra={"replica": change.replica_id, "why": error.message})
            return False

    def _record(self, session: Session, row: Replica, change: Change) -> bool:
        out_of_memory = self._observed_state.is_out_of_memory(change.container_id)
        crash = Crash(change.container_id, change.at, change.exit_code, out_of_memory, memory_limit(session, row))
        if change.what == Happened.OUT_OF_MEMORY:
            row.out_of_memory_at = crash.when
            log.warning("a process was killed: out of memory", extra={"replica": row.id, "app_id": row.app_id})
            return False
        row.last_crash = crash.to_json()
        log.info("died", extra={"replica": row.id, "app_id": row.app_id, "why": crash.cause})
        return remove_target(session, Scope(row.app_id, row.tenant_id, row.environment), row)


def _replica(session: Session, change: Change) -> Replica | None:
    """The row that the container runs for. None: the agent itself ends the replica, or the container is an earlier one
    of the replica, or a command's."""
    is_its = or_(Replica.container_id == change.container_id, Replica.container_id.is_(None))
    query = select(Replica).where(Replica.id == change.replica_id, is_its, Replica.state.in_((STARTING, READY)))
    return session.scalar(query)
