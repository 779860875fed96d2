"""A deployment's steps. Each reads its row again in its own transaction, and is safe to repeat."""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.agent.rollout import draining, watching
from builder.agent.rollout.explaining_failures import Failures
from builder.agent.rollout.releases import volumes
from builder.agent.rollout.releases.snapshot import digest_to_run, image_volume_notices, make_release
from builder.agent.rollout.steps import needs_pre_deploy, switched
from builder.agent.routes.publishing import RouteSync
from builder.agent.routes.targets import replace_targets
from builder.agent.scope import REASON, Scope
from slipway.core.app_settings.configuration import WEB, Configuration, Defaults
from slipway.core.build.image_volumes import ImageVolumes
from slipway.core.deployment.ordering import may_switch, must_refreeze
from slipway.core.deployment.states import BY_HAND, UNFINISHED, Kind, State
from slipway.core.rollout.actions import EndDrain, Fail, Freeze, GoLive, SetTargets, Stop, Switch
from slipway.core.rollout.failure import Failure
from slipway.core.rollout.replica_states import READY
from slipway.core.text.counting import plural
from slipway.db import Database
from slipway.domain import lifecycle
from slipway.domain.intents import live_deployment
from slipway.errors import Conflict, DeploymentFailed, InvalidInput, QuotaExceeded
from slipway.models import TO_CHANGE, App, Deployment, Edge, Release, Replica
from slipway.ports.clock import Clock
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)


class DeploymentActions:
    """`defaults`: the host's, for what an app's settings leave out."""

    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        routes: RouteSync,
        failures: Failures,
        clock: Clock,
        defaults: Defaults,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._routes = routes
        self._failures = failures
        self._clock = clock
        self._defaults = defaults

    def freeze(self, scope: Scope, action: Freeze) -> bool:
        """Freeze the configuration into a release; a rollback and a configuration change start here. Under the app's
        lock: whoever changes its configuration meanwhile sees that it was frozen without the change."""
        try:
            image_volumes = self._image_volumes(action.deployment_id)
            with self._db.write(platform=REASON) as session:
                session.get_one(App, scope.app_id, with_for_update=TO_CHANGE)
                row = _claimed(session, action.deployment_id, State.STARTING, State.QUEUED)
                if row is None or row.stop_requested:
                    return False
                live = live_deployment(session, scope.app_id, scope.environment)
                if row.kind == Kind.CONFIGURATION and live is None:
                    why = "nothing is live; the next deployment takes the current configuration"
                    lifecycle.stop(row, State.SKIPPED, why)
                    return True
                release = self._frozen(session, row, live, image_volumes)
        except (DeploymentFailed, InvalidInput, QuotaExceeded) as error:
            reason = _reason(error)
            failure = Failure(reason, error.message, error.remedy)
            return self._failures.fail(scope, Fail(action.deployment_id, failure))
        log.info("starting", extra={"deployment": action.deployment_id, "release": release.number})
        return True

    def set_targets(self, scope: Scope, action: SetTargets) -> bool:
        """Name exactly these replicas of what serves."""
        with self._db.write(platform=REASON) as session:
            replace_targets(session, scope, action.process, action.replica_ids, action.standby_ids)
        self._routes.sync_now()
        return True

    def switch(self, scope: Scope, action: Switch) -> bool:
        """The new release's replicas get the targets, if the deployment still may go on. The old ones stay as they are,
        on standby."""
        with self._db.write(platform=REASON) as session:
            session.get_one(App, scope.app_id, with_for_update=TO_CHANGE)
            row = _claimed(session, action.deployment_id, State.STARTING)
            if row is None or row.stop_requested or switched(row):
                return False
            live = live_deployment(session, scope.app_id, scope.environment)
            if live and not _may_switch(row, live):
                return False
            generation = replace_targets(session, scope, action.process, action.replica_ids, action.standby_ids)
            lifecycle.note_step(row, _started(session, row))
            lifecycle.begin_step(row, "switch", generation=generation)
        self._routes.sync_now()
        log.info("switched", extra={"deployment": action.deployment_id, "generation": generation})
        return True

    def go_live(self, scope: Scope, action: GoLive) -> bool:
        """Every edge has confirmed: the new one is live and watched, the old one retired."""
        with self._db.write(platform=REASON) as session:
            app = session.get_one(App, scope.app_id, with_for_update=TO_CHANGE)
            row = _claimed(session, action.deployment_id, State.STARTING)
            if row is None or row.stop_requested or not switched(row):
                return False
            image_before = app.image
            if row.source == "image" and row.kind in BY_HAND:
                app.image = row.ref
            old = live_deployment(session, scope.app_id, scope.environment)
            if old:
                lifecycle.advance(old, State.RETIRED)
                session.flush()  # one live at a time: the old one is retired first
                row.previous_id = old.id
            edges = len(session.scalars(select(Edge.id)).all())
            lifecycle.note_step(row, f"generation {action.generation} in force on {plural(edges, 'edge')}")
            lifecycle.advance(row, State.LIVE)
            if not watching.begin(session, row, self._clock(), image_before):
                draining.begin(session, row)
        log.info("live", extra={"deployment": action.deployment_id, "generation": action.generation})
        return True

    def end_drain(self, _scope: Scope, action: EndDrain) -> bool:
        """The last old replica is gone."""
        with self._db.write(platform=REASON) as session:
            row = session.get(Deployment, action.deployment_id)
            if row is None:
                return False
            step = lifecycle.current_step(row)
            if step is None or step["name"] != "drain":
                return False
            lifecycle.end_step(row, ok=True)
        return True

    def stop(self, _scope: Scope, action: Stop) -> bool:
        """End as somebody asked for, or as the order of intents demands."""
        with self._db.write(platform=REASON) as session:
            row = session.get(Deployment, action.deployment_id)
            if row is None or State(row.state) not in UNFINISHED:
                return False
            try:
                lifecycle.stop(row, action.state, action.why, reason=action.reason)
            except Conflict:
                return False
        log.info("stopped", extra={"deployment": action.deployment_id, "state": str(action.state), "why": action.why})
        return True

    def _image_volumes(self, deployment_id: int) -> ImageVolumes:
        """Those that the image to start declares. The runtime is asked before the transaction begins."""
        with self._db.read(platform=REASON) as session:
            row = session.get(Deployment, deployment_id)
            digest = digest_to_run(session, row) if row else ""
        return self._runtime.image_volumes(digest) if digest else ImageVolumes()

    def _frozen(
        self, session: Session, row: Deployment, live: Deployment | None, image_volumes: ImageVolumes
    ) -> Release:
        if row.state == State.QUEUED:
            lifecycle.advance(row, State.STARTING)
        release = make_release(session, row, self._defaults, image_volumes.paths)
        row.notices = volumes.notices(session, release, live) + image_volume_notices(session, release, image_volumes)
        if needs_pre_deploy(row, release):
            lifecycle.rename_step(row, lifecycle.PRE_DEPLOY)
        return release


def _reason(error: DeploymentFailed | InvalidInput | QuotaExceeded) -> str:
    """Why nothing was frozen, as the deployment's row keeps it."""
    if isinstance(error, DeploymentFailed):
        return error.reason
    return error.code if isinstance(error, QuotaExceeded) else "settings-invalid"


def _claimed(session: Session, deployment_id: int, *states: State) -> Deployment | None:
    row = session.get(Deployment, deployment_id, with_for_update=TO_CHANGE)
    return row if row is not None and State(row.state) in states else None


def _may_switch(row: Deployment, live: Deployment) -> bool:
    candidate, serving = row.candidate(), live.candidate()
    return may_switch(candidate, serving).goes_on and not must_refreeze(candidate, serving)


def _started(session: Session, row: Deployment) -> str:
    """`2 replicas, both answered GET /health`."""
    ready = select(Replica.process).where(Replica.release_id == row.release_id, Replica.state == READY)
    processes = list(session.scalars(ready))
    if not processes:
        return "no replicas wanted"
    web = processes.count(WEB)
    configuration = Configuration.from_json(session.get_one(Release, row.release_id).configuration)
    asked = "" if configuration.probe == "tcp" else f"GET {configuration.health_path or '/'}"
    question = asked or f"on port {configuration.port}"
    who = "" if web == 1 else "both " if web == 2 else "all "
    return plural(len(processes), "replica") + (f", {who}answered {question}" if web else "")
