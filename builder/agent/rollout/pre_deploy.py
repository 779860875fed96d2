"""The pre-deploy command: in a container of the new release, before any of its replicas starts."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from builder.agent.background_tasks import TASK, BackgroundTasks
from builder.agent.rollout.explaining_failures import Failures
from builder.agent.rollout.releases import volumes
from builder.agent.rollout.releases.specs import Place, expand, spec_of
from builder.agent.rollout.steps import is_wanted_at_pre_deploy
from builder.agent.scope import REASON, Scope
from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import Configuration
from slipway.core.app_settings.volumes import exclude_each_other
from slipway.core.rollout.actions import Fail, RunPreDeploy
from slipway.core.rollout.failure import Failure
from slipway.db import Database
from slipway.domain import lifecycle
from slipway.domain.lifecycle import PRE_DEPLOY
from slipway.domain.runs.held_volumes import held_by_runs
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.models import TO_CHANGE, App, Deployment, Release
from slipway.ports.runtime import ContainerRuntime, ReplicaSpec, TaskResult

log = logging.getLogger(__name__)


def holder(deployment_id: int) -> str:
    """The id of the command's container."""
    return f"task-{deployment_id}"


class PreDeploy:
    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        vault: Vault,
        background_tasks: BackgroundTasks,
        failures: Failures,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._vault = vault
        self._background_tasks = background_tasks
        self._failures = failures

    def run(self, scope: Scope, action: RunPreDeploy) -> bool:
        """Run it to its end in the background. After a crash of the agent the running container is adopted by its
        name."""

        def work() -> None:
            try:
                self._run(scope, action.deployment_id)
            except DependencyUnavailable:
                raise
            except SlipwayError as error:
                self._fail(scope, action.deployment_id, _failure(error))

        return self._background_tasks.begin(TASK, f"pre-deploy:{action.deployment_id}", scope.app_id, work)

    def _run(self, scope: Scope, deployment_id: int) -> None:
        prepared = self._prepare(scope.app_id, deployment_id)
        if prepared is None:
            return
        spec, configuration = prepared
        argv = expand(configuration.pre_deploy or (), spec.variables)
        result = self._runtime.run_task(spec, argv, timeout_s=configuration.pre_deploy_timeout_s)
        self._record(scope, deployment_id, result)

    def _prepare(self, app_id: int, deployment_id: int) -> tuple[ReplicaSpec, Configuration] | None:
        """None: it is not wanted any more, or a run has a volume meanwhile."""
        with self._db.write(platform=REASON) as session:
            session.get_one(App, app_id, with_for_update=TO_CHANGE)  # as whoever begins a run does
            row = _running(session, deployment_id)
            if row is None or row.release_id is None:
                return None
            release = session.get_one(Release, row.release_id)
            if _is_held_back(session, release):
                return None
            volumes.ensure(session, release, PRE_DEPLOY)
            place = Place(holder(deployment_id), PRE_DEPLOY, 0, deployment_id)
            return self._spec(session, release, place), Configuration.from_json(release.configuration)

    def _spec(self, session: Session, release: Release, place: Place) -> ReplicaSpec:
        try:
            return spec_of(session, self._vault, release, place)
        except DeploymentFailed:
            raise
        except SlipwayError as error:
            raise DeploymentFailed("start-refused", error.message, remedy=error.remedy) from error

    def _record(self, scope: Scope, deployment_id: int, result: TaskResult) -> None:
        if result.exit_code != 0:
            message = f"the pre-deploy command ended with exit code {result.exit_code}"
            failure = Failure(
                "pre-deploy-failed",
                message,
                tail=result.tail,
                exit_code=result.exit_code,
                otherwise="fix the command and push again",
            )
            self._fail(scope, deployment_id, failure)
            return
        with self._db.write(platform=REASON) as session:
            row = _running(session, deployment_id)
            if row is not None:
                lifecycle.begin_step(row, "start")

    def _fail(self, scope: Scope, deployment_id: int, failure: Failure) -> None:
        with self._db.read(platform=REASON) as session:
            wanted = _running(session, deployment_id) is not None
        if wanted:  # else somebody stopped the deployment, and the command with it
            self._failures.fail(scope, Fail(deployment_id, failure))


def _is_held_back(session: Session, release: Release) -> bool:
    """Did a run begin, before the command was due, that has a volume which the two do not share?"""
    held = held_by_runs(session, release.app_id).get(release.environment, ())
    return exclude_each_other(Configuration.from_json(release.configuration).volumes, held)


def _failure(error: SlipwayError) -> Failure:
    if isinstance(error, DeploymentFailed):
        return Failure(error.reason, error.message, error.remedy, error.tail)
    return Failure("pre-deploy-failed", error.message, error.remedy)


def _running(session: Session, deployment_id: int) -> Deployment | None:
    row = session.get(Deployment, deployment_id, with_for_update=TO_CHANGE)
    return row if row is not None and is_wanted_at_pre_deploy(row) else None
