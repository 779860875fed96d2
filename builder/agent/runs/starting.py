"""Starts a run's container: of its release, with that one's variables, limits, network and volumes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from builder.agent.observed_state import ObservedState
from builder.agent.rollout.releases import volumes
from builder.agent.rollout.releases.specs import Place, expand, spec_of
from builder.agent.runs.holding import holder
from builder.agent.scope import REASON
from slipway.adapters.vault import Vault
from slipway.core.runs.ends import RunEnd
from slipway.core.runs.states import FAILED, PENDING
from slipway.db import Database
from slipway.domain.runs import lifecycle
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.models import TO_CHANGE, Release, Run
from slipway.ports.runtime import ContainerRuntime, ReplicaSpec


class RunStart:
    def __init__(self, db: Database, runtime: ContainerRuntime, vault: Vault, observed_state: ObservedState) -> None:
        self._db = db
        self._runtime = runtime
        self._vault = vault
        self._observed_state = observed_state

    def start(self, run_id: int) -> None:
        """Start it and record that, or record why it can't be. Raises `DependencyUnavailable`."""
        try:
            self._start(run_id)
        except DependencyUnavailable:
            raise
        except SlipwayError as error:
            self._refuse(run_id, error)

    def _start(self, run_id: int) -> None:
        prepared = self._prepare(run_id)
        if prepared is None:
            return
        spec, argv = prepared
        started = self._runtime.start_task(spec, argv)
        self._observed_state.changed()
        with self._db.write(platform=REASON) as session:
            row = _pending(session, run_id)
            if row is not None:
                lifecycle.begin(row, started.container_id)

    def _prepare(self, run_id: int) -> tuple[ReplicaSpec, tuple[str, ...]] | None:
        """None: it is pending no longer, or is to stop."""
        with self._db.write(platform=REASON) as session:
            row = _pending(session, run_id)
            if row is None or row.stop_requested is not None:
                return None
            release = _release(session, row)
            volumes.ensure(session, release, row.process)
            # the slot makes the container's name the run's own
            spec = spec_of(session, self._vault, release, Place(holder(row.id), row.process, row.id, None))
            return spec, expand(tuple(row.command), spec.variables)

    def _refuse(self, run_id: int, error: SlipwayError) -> None:
        reason = error.reason if isinstance(error, DeploymentFailed) else "start-refused"
        with self._db.write(platform=REASON) as session:
            row = _pending(session, run_id)
            if row is not None:
                lifecycle.end(row, RunEnd(FAILED, reason, error.message, error.remedy))


def _release(session: Session, row: Run) -> Release:
    release = session.get(Release, row.release_id) if row.release_id else None
    if release is None or release.collected_at is not None:
        raise DeploymentFailed("image-missing", "the image of its release was removed", remedy="run it again")
    return release


def _pending(session: Session, run_id: int) -> Run | None:
    row = session.get(Run, run_id, with_for_update=TO_CHANGE)
    return row if row is not None and row.state == PENDING else None
