"""A new release is watched for a while; one that fails within it gives way to the release before."""

from __future__ import annotations

import logging

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from builder.agent.rollout import draining
from builder.agent.rollout.explaining_failures import Failures
from builder.agent.rollout.steps import watched
from builder.agent.routes.publishing import RouteSync
from builder.agent.routes.targets import replace_targets
from builder.agent.scope import REASON, Scope
from slipway.core.app_settings.configuration import WEB, Configuration
from slipway.core.deployment.states import BY_HAND, State
from slipway.core.rollout.actions import EndWatch, Fail, GiveWay
from slipway.core.rollout.failure import START_CRASHED, Failure
from slipway.core.rollout.replica_states import GONE
from slipway.db import Database
from slipway.domain import lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import TO_CHANGE, App, Deployment, Release, Replica
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)


def begin(session: Session, row: Deployment, now: float, image_before: str) -> bool:
    """Open the live deployment's step `watch`; says whether it is watched at all. `image_before`, the app's, comes back
    when the deployment that changed it gives way."""
    release = session.get_one(Release, row.release_id)
    watch_s = Configuration.from_json(release.configuration).watch_s
    if watch_s <= 0 or not _runs(session, row):
        return False
    lifecycle.begin_step(row, "watch", until=now + watch_s, image_before=image_before)
    before = _name(session, row.previous_id)
    lifecycle.note_step(row, f"for {watch_s:g} s" + (f"; {before} stands by" if before else ""))
    return True


def _runs(session: Session, row: Deployment) -> bool:
    """Has it a replica at all? An app that is scaled to 0 has nothing to watch."""
    return bool(session.scalar(select(exists().where(Replica.release_id == row.release_id, Replica.state != GONE))))


class Watching:
    def __init__(
        self,
        db: Database,
        routes: RouteSync,
        failures: Failures,
        clock: Clock,
    ) -> None:
        self._db = db
        self._routes = routes
        self._failures = failures
        self._clock = clock

    def give_way(self, scope: Scope, action: GiveWay) -> bool:
        """In one transaction the deployment fails, the one before is live again, and its replicas get the targets."""
        error = self._failures.explained(Fail(action.deployment_id, action.failure, action.replica_id))
        with self._db.write(platform=REASON) as session:
            app = session.get_one(App, scope.app_id, with_for_update=TO_CHANGE)
            row = _watched(session, action.deployment_id)
            before = session.get(Deployment, action.previous_id, with_for_update=TO_CHANGE)
            if row is None or before is None or before.state != State.RETIRED:
                return False
            _take_back_image(app, row)
            lifecycle.fail(row, _with_consequence(session, error, before, self._clock() - _since(row)))
            session.flush()  # one live at a time: this one leaves first
            lifecycle.bring_back(before)
            replace_targets(session, scope, WEB, action.standby_ids)
        self._routes.sync_now()
        extra = {"deployment": action.deployment_id, "to": action.previous_id, "why": error.message}
        log.warning("gave way", extra=extra)
        return True

    def end(self, _scope: Scope, action: EndWatch) -> bool:
        """The release did not fail; or it did, and there is none to give way to. The old replicas may go."""
        with self._db.write(platform=REASON) as session:
            row = _watched(session, action.deployment_id)
            if row is None:
                return False
            note = _without_consequence(action.failure) if action.failure else ""
            lifecycle.end_step(row, ok=action.failure is None, note=note)
            draining.begin(session, row)
        if action.failure:
            why = action.failure.message
            log.warning("failed while watched", extra={"deployment": action.deployment_id, "why": why})
        return True


def _watched(session: Session, deployment_id: int) -> Deployment | None:
    row = session.get(Deployment, deployment_id, with_for_update=TO_CHANGE)
    return row if row is not None and watched(row) else None


def _since(row: Deployment) -> float:
    step = watched(row)
    return float(step["started_at"]) if step else 0.0


def _take_back_image(app: App, row: Deployment) -> None:
    step = watched(row)
    if step and row.source == "image" and row.kind in BY_HAND and app.image == row.ref:
        app.image = str(step["image_before"])


def _with_consequence(
    session: Session, error: DeploymentFailed, before: Deployment, after_s: float
) -> DeploymentFailed:
    name = _name(session, before.id)
    message = f"{error.message}, {after_s:.1f} s after it went live; {name} serves again"
    return DeploymentFailed(error.reason, message, cause=error.cause, remedy=error.remedy, tail=error.tail)


def _without_consequence(failure: Failure) -> str:
    again = ": it is started again, later each time" if failure.reason == START_CRASHED else ""
    return f"{failure.message}; no release before it could take over{again}"


def _name(session: Session, deployment_id: int | None) -> str:
    """`v3`; empty when there is none."""
    row = session.get(Deployment, deployment_id) if deployment_id else None
    release = session.get(Release, row.release_id) if row and row.release_id else None
    return f"v{release.number}" if release else ""
