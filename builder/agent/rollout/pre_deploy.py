"""The pre-deploy command: in a container of the new release, before any of its replicas starts."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from builder.agent.background_tasks import TASK
from builder.agent.dependencies import REASON, Dependencies, Scope
from builder.agent.rollout import volumes
from builder.agent.rollout.failures import fail
from builder.agent.rollout.specs import Place, expand, spec_of
from slipway.core.app_settings.configuration import Configuration
from slipway.core.deployment.states import State
from slipway.core.rollout import fleet
from slipway.domain import lifecycle
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.models import TO_CHANGE, Deployment, Release
from slipway.ports.runtime import ReplicaSpec, TaskResult

log = logging.getLogger(__name__)

PROCESS = "pre-deploy"


def holder(deployment_id: int) -> str:
    """The id of the command's container."""
    return f"task-{deployment_id}"


def is_at_pre_deploy(row: Deployment) -> bool:
    """Is the command what its deployment waits for, and nobody asked it to stop?"""
    step = lifecycle.current_step(row)
    at_it = row.state == State.STARTING and step is not None and step["name"] == PROCESS
    return at_it and row.stop_requested is None


def run(dependencies: Dependencies, scope: Scope, action: fleet.RunPreDeploy) -> bool:
    """Run it to its end beside the passes. A crash of the agent adopts the running container by its name."""

    def work() -> None:
        prepared = _prepare(dependencies, action.deployment_id)
        if prepared is None:
            return
        spec, configuration = prepared
        argv = expand(configuration.pre_deploy or (), spec.variables)
        result = dependencies.runtime.run_task(spec, argv, timeout_s=configuration.pre_deploy_timeout_s)
        _record(dependencies, scope, action.deployment_id, result)

    def guarded() -> None:
        try:
            work()
        except DependencyUnavailable:
            raise
        except SlipwayError as error:
            _fail(dependencies, scope, action.deployment_id, _failure(error))

    return dependencies.background_tasks.begin(TASK, f"pre-deploy:{action.deployment_id}", scope.app_id, guarded)


def _prepare(dependencies: Dependencies, deployment_id: int) -> tuple[ReplicaSpec, Configuration] | None:
    with dependencies.db.write(platform=REASON) as session:
        row = _running(session, deployment_id)
        if row is None or row.release_id is None:
            return None
        release = session.get_one(Release, row.release_id)
        volumes.ensure(session, release, PROCESS)
        place = Place(holder(deployment_id), PROCESS, 0, deployment_id)
        try:
            spec = spec_of(session, dependencies.vault, release, place)
        except DeploymentFailed:
            raise
        except SlipwayError as error:
            raise DeploymentFailed("start-refused", error.message, remedy=error.remedy) from error
        return spec, Configuration.from_json(release.configuration)


def _record(dependencies: Dependencies, scope: Scope, deployment_id: int, result: TaskResult) -> None:
    if result.exit_code != 0:
        message = f"the pre-deploy command ended with exit code {result.exit_code}"
        failure = fleet.Failure("pre-deploy-failed", message, "mend the command and push again", result.tail)
        _fail(dependencies, scope, deployment_id, failure)
        return
    with dependencies.db.write(platform=REASON) as session:
        row = _running(session, deployment_id)
        if row is not None:
            lifecycle.begin_step(row, "start")


def _failure(error: SlipwayError) -> fleet.Failure:
    if isinstance(error, DeploymentFailed):
        return fleet.Failure(error.reason, error.message, error.remedy, error.tail)
    return fleet.Failure("pre-deploy-failed", error.message, error.remedy)


def _running(session: Session, deployment_id: int) -> Deployment | None:
    row = session.get(Deployment, deployment_id, with_for_update=TO_CHANGE)
    return row if row is not None and is_at_pre_deploy(row) else None


def _fail(dependencies: Dependencies, scope: Scope, deployment_id: int, failure: fleet.Failure) -> None:
    with dependencies.db.read(platform=REASON) as session:
        wanted = _running(session, deployment_id) is not None
    if wanted:  # else somebody stopped it, and the command with it
        fail(dependencies, scope, fleet.Fail(deployment_id, failure))
