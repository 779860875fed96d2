"""Replicas on their way out: crashed, drained, taken back, removed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.agent.background_tasks import STOP, BackgroundTasks
from builder.agent.rollout.crashes import output_notes, record_crash
from builder.agent.rollout.remembered import Hints
from builder.agent.rollout.replica_actions.containers import ContainerRemoval
from builder.agent.routes.address_quarantine import AddressQuarantine
from builder.agent.routes.publishing import RouteSync
from builder.agent.routes.targets import remove_target
from builder.agent.scope import REASON, Scope
from slipway.core.deployment.states import State
from slipway.core.rollout.actions import Drain, MarkCrashed, Remove, Reuse
from slipway.core.rollout.replica_states import CRASHED, DRAINING, GONE, READY, STARTING
from slipway.db import Database
from slipway.domain import lifecycle, replica_lifecycle
from slipway.models import Deployment, Release, Replica, now
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)


class ReplicaRemoval:
    """`stop_grace_s`: how long a replica without a release gets to stop."""

    def __init__(
        self,
        db: Database,
        background_tasks: BackgroundTasks,
        routes: RouteSync,
        quarantine: AddressQuarantine,
        containers: ContainerRemoval,
        hints: Hints,
        clock: Clock,
        *,
        stop_grace_s: float,
    ) -> None:
        self._db = db
        self._background_tasks = background_tasks
        self._routes = routes
        self._quarantine = quarantine
        self._containers = containers
        self._hints = hints
        self._clock = clock
        self._stop_grace_s = stop_grace_s

    def mark_crashed(self, scope: Scope, action: MarkCrashed) -> bool:
        """Out of the route table at once; started again when its back-off ends."""
        with self._db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is None or row.state not in (STARTING, READY):
                return False
            if action.ended:
                record_crash(session, row, action.ended, self._clock())
            replica_lifecycle.advance(row, CRASHED)
            row.exit_code, row.restarts = action.exit_code, action.restarts
            row.retry_at = datetime.fromtimestamp(action.retry_at, UTC)
            was_target = remove_target(session, scope, row)
        log.info("crashed", extra={"replica": action.replica_id, "why": action.why, "restarts": action.restarts})
        self._left_routes(action.replica_id, was_target)
        return True

    def reuse(self, _scope: Scope, action: Reuse) -> bool:
        """It was draining and is wanted again: probed like a new one."""
        with self._db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is None or row.state != DRAINING or row.ended_at is not None:
                return False
            replica_lifecycle.advance(row, STARTING)
        self._hints.forget(action.replica_id)
        return True

    def drain(self, scope: Scope, action: Drain) -> bool:
        """No new request to it."""
        with self._db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is None or row.state in (DRAINING, GONE):
                return False
            replica_lifecycle.advance(row, DRAINING)
            was_target = remove_target(session, scope, row)
        self._left_routes(action.replica_id, was_target)
        return True

    def remove(self, scope: Scope, action: Remove) -> bool:
        """SIGTERM, its time to stop, output kept, container removed, address released."""
        with self._db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is None or row.state != DRAINING:
                return False
            row.ended_at = row.ended_at or now()
            release = session.get(Release, row.release_id)
            grace_s = release.configuration["stop_grace_s"] if release else self._stop_grace_s
            container_id, notes = row.container_id, output_notes(session, row, self._clock())
            if action.cut:
                _note_cut(session, scope, action.cut)

        def work() -> None:
            if container_id:
                self._containers.stop_and_remove(action.replica_id, container_id, notes, grace_s=grace_s)
            self._record_gone(action.replica_id)

        return self._background_tasks.begin(STOP, f"replica:{action.replica_id}", scope.app_id, work)

    def _left_routes(self, replica_id: str, was_target: bool) -> None:
        self._hints.forget(replica_id)
        if was_target:
            self._routes.sync_now()

    def _record_gone(self, replica_id: str) -> None:
        with self._db.write(platform=REASON) as session:
            row = session.get(Replica, replica_id)
            if row is not None:
                replica_lifecycle.advance(row, GONE)
        self._quarantine.add(replica_id)
        self._hints.forget(replica_id)
        log.info("removed", extra={"replica": replica_id})


def _note_cut(session: Session, scope: Scope, cut: int) -> None:
    query = select(Deployment).filter_by(app_id=scope.app_id, environment=scope.environment, state=str(State.LIVE))
    live = session.scalar(query)
    step = lifecycle.current_step(live) if live else None
    if live and step and step["name"] == "drain":
        lifecycle.note_step(live, f"{step['note']}, {cut} still open when the grace was over")
