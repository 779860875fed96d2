"""From a missing replica to its row, and from the row to the start of its container."""

from __future__ import annotations

import logging
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.agent.background_tasks import START, BackgroundTasks
from builder.agent.observed_state import ObservedState
from builder.agent.rollout.explaining_failures import Failures
from builder.agent.rollout.releases import volumes
from builder.agent.rollout.remembered import Hints
from builder.agent.rollout.replica_actions.containers import ContainerStart
from builder.agent.routes import address_quarantine
from builder.agent.scope import REASON, Scope
from slipway.core.app_settings.configuration import Configuration
from slipway.core.rollout.actions import Adopt, CreateReplica, Fail, Launch
from slipway.core.rollout.failure import Failure
from slipway.core.rollout.replica_states import GONE, STARTING
from slipway.db import Database
from slipway.domain.runs.held_volumes import held_by_runs
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.models import TO_CHANGE, App, Release, Replica
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)


class ReplicaCreation:
    def __init__(self, db: Database, runtime: ContainerRuntime, failures: Failures, hints: Hints) -> None:
        self._db = db
        self._runtime = runtime
        self._failures = failures
        self._hints = hints

    def create(self, scope: Scope, action: CreateReplica) -> bool:
        """A row, and one for each volume, before anything runs: after a crash here the same row is started."""
        replica_id = f"r-{uuid4().hex[:16]}"
        try:
            self._runtime.reserve(scope.tenant_id, replica_id)
            with self._db.write(platform=REASON) as session:
                session.get_one(App, scope.app_id, with_for_update=TO_CHANGE)  # as whoever begins a run does
                release = session.get_one(Release, action.release_id)
                if _has_row(session, action) or _is_held_back(session, release, action.process):
                    return False
                volumes.ensure(session, release, action.process)
                session.add(_new_row(scope, action, replica_id))
        except DeploymentFailed as error:
            return self._refused(scope, action, error)
        return True

    def _refused(self, scope: Scope, action: CreateReplica, error: DeploymentFailed) -> bool:
        """The runtime has no room: the deployment fails; a replica of what is live already has to wait."""
        failure = Failure(error.reason, error.message, error.remedy)
        place = f"{action.release_id}-{action.process}"
        if self._hints.refusals.get(place) != failure:
            self._hints.refusals[place] = failure
            log.warning("no replica can be added", extra={"why": error.message, "deployment": action.deployment_id})
        return self._failures.fail(scope, Fail(action.deployment_id, failure))


class ReplicaStart:
    def __init__(
        self,
        db: Database,
        background_tasks: BackgroundTasks,
        observed_state: ObservedState,
        containers: ContainerStart,
        hints: Hints,
    ) -> None:
        self._db = db
        self._observed_state = observed_state
        self._background_tasks = background_tasks
        self._containers = containers
        self._hints = hints

    def launch(self, scope: Scope, action: Launch) -> bool:
        """Start its container in the background. Why that is refused is remembered for the next pass."""

        def work() -> None:
            try:
                self._containers.start(action.replica_id)
            except DependencyUnavailable:
                raise
            except SlipwayError as error:
                reason = error.reason if isinstance(error, DeploymentFailed) else "start-refused"
                self._hints.refusals[action.replica_id] = Failure(reason, error.message, error.remedy)
                log.info("start refused", extra={"replica": action.replica_id, "why": error.message})

        return self._background_tasks.begin(START, f"replica:{action.replica_id}", scope.app_id, work)

    def adopt(self, scope: Scope, action: Adopt) -> bool:
        """Record a container that was found by its label: the agent ended before it wrote the row."""
        observed = self._observed_state.of(scope.app_id)
        found = [each for each in observed if each.container_id == action.container_id]
        with self._db.write(platform=REASON) as session:
            row = session.get(Replica, action.replica_id)
            if row is None:
                return False
            row.container_id = action.container_id
            for each in found:
                row.address = each.address or row.address
                address_quarantine.hold(session, row)
        return True


def _has_row(session: Session, action: CreateReplica) -> bool:
    of_slot = {"release_id": action.release_id, "process": action.process, "slot": action.slot}
    return session.scalar(select(Replica.id).filter_by(**of_slot).where(Replica.state != GONE)) is not None


def _is_held_back(session: Session, release: Release, process: str) -> bool:
    """Did a run begin meanwhile that has a volume which the two do not share?"""
    held = held_by_runs(session, release.app_id).get(release.environment, ())
    return process in Configuration.from_json(release.configuration).held_back(held)


def _new_row(scope: Scope, action: CreateReplica, replica_id: str) -> Replica:
    return Replica(
        id=replica_id,
        tenant_id=scope.tenant_id,
        app_id=scope.app_id,
        environment=scope.environment,
        process=action.process,
        release_id=action.release_id,
        deployment_id=action.deployment_id,
        slot=action.slot,
        state=STARTING,
    )
