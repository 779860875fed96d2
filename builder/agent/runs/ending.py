"""Ends a run: stops its program, keeps what it printed, records how it ended, and removes its container, in this order.
Whatever a crash leaves undone of that is done again, or removed as an orphan's."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from builder.agent.observed_state import ObservedState
from builder.agent.routes import address_quarantine
from builder.agent.runs.holding import holder
from builder.agent.scope import REASON
from builder.agent.telemetry.output import OutputStore
from slipway.core.app_settings.configuration import Configuration
from slipway.core.rollout.crash import Crash
from slipway.core.runs.decide import Container
from slipway.core.runs.ends import LOST, RunEnd, end_of, stopped_unbegun
from slipway.core.runs.states import PENDING, RUNNING, RunState, Stop
from slipway.db import Database
from slipway.domain.runs import lifecycle
from slipway.models import TO_CHANGE, Release, Run
from slipway.ports.clock import Clock
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)

_GRACE_S = 10.0
"""Of a run whose release is gone."""


class RunEnding:
    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        observed_state: ObservedState,
        store: OutputStore,
        clock: Clock,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._observed_state = observed_state
        self._store = store
        self._clock = clock

    def stop(self, run_id: int, container: Container, why: Stop) -> None:
        """SIGTERM, and SIGKILL after the release's time for it. What is recorded of it comes with the next pass."""
        with self._db.write(platform=REASON) as session:
            row = _in_state(session, run_id, RUNNING)
            if row is None:
                return
            lifecycle.request_stop(row, why)
            grace_s = _stop_grace_s(session, row)
        self._runtime.stop(container.id, grace_s=grace_s)
        self._observed_state.changed()

    def record(self, run_id: int, container: Container) -> None:
        """Of a program that has ended."""
        self._store.keep(holder(run_id), container.id)
        with self._db.write(platform=REASON) as session:
            row = _in_state(session, run_id, RUNNING)
            if row is not None:
                _end(row, end_of(self._crash(session, row, container), _stop(row), row.timeout_s))
        self._runtime.remove(container.id)
        self._observed_state.changed()
        self._give_up_address(run_id)

    def record_lost(self, run_id: int) -> None:
        with self._db.write(platform=REASON) as session:
            row = _in_state(session, run_id, RUNNING)
            if row is not None:
                _end(row, LOST)
        self._give_up_address(run_id)

    def end_unbegun(self, run_id: int, why: Stop) -> None:
        """A container that was started and not recorded is nobody's from now on, and removed as such."""
        with self._db.write(platform=REASON) as session:
            row = _in_state(session, run_id, PENDING)
            if row is not None:
                _end(row, stopped_unbegun(why))

    def _crash(self, session: Session, row: Run, container: Container) -> Crash:
        release = session.get(Release, row.release_id) if row.release_id else None
        memory_bytes = int(release.configuration["memory_bytes"]) if release else 0
        return Crash(container.id, self._clock(), container.exit_code, container.oom_killed, memory_bytes)

    def _give_up_address(self, run_id: int) -> None:
        with self._db.write(platform=REASON) as session:
            address_quarantine.give_up(session, holder(run_id))


def _end(row: Run, ended: RunEnd) -> None:
    lifecycle.end(row, ended)
    log.info("a run ended", extra={"run": row.id, "app_id": row.app_id, "state": row.state, "why": row.reason})


def _stop(row: Run) -> Stop | None:
    return Stop(row.stop_requested) if row.stop_requested else None


def _stop_grace_s(session: Session, row: Run) -> float:
    release = session.get(Release, row.release_id) if row.release_id else None
    return Configuration.from_json(release.configuration).stop_grace_s if release else _GRACE_S


def _in_state(session: Session, run_id: int, state: RunState) -> Run | None:
    row = session.get(Run, run_id, with_for_update=TO_CHANGE)
    return row if row is not None and row.state == state else None
