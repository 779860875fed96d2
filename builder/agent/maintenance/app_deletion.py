"""Deletes apps: everything that belongs to one goes, then its row. Every step may run twice, so a crash only delays it.

The replicas leave by ordinary passes: a deleted app wants none. Its volumes stay, without an app, until somebody asks
to remove them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from builder.agent.observed_state import ObservedState
from builder.agent.routes.publishing import RouteSync
from builder.agent.runs.holding import holder
from builder.agent.runs.reconciling import active_runs
from builder.agent.scope import REASON
from builder.agent.telemetry.output import OutputStore
from slipway.core.build.step_cache import DeletedApp
from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.rollout.replica_states import GONE
from slipway.db import Database
from slipway.domain import domain_claims, lifecycle
from slipway.domain.route_table import touch_routes
from slipway.domain.usage import subjects as usage_subjects
from slipway.models import App, Build, Deployment, Domain, Release, Replica, Run, Tenant, now
from slipway.ports.building import ImageBuilder
from slipway.ports.logs import DeploymentLog
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)

REPORT_TIMEOUT = timedelta(minutes=1)
"""How long the row of a deployment that has ended stays for its report: until then its commit may be `pending` at the
forge, and its log may be open."""
_WHY_STOPPED = "the app is being deleted"


@dataclass(frozen=True, slots=True)
class Belongings:
    """What of the app is kept outside of SQL."""

    tenant_id: int
    was_built: bool
    """It was built from a repository. An app that runs an image has no build steps."""
    images: list[str]
    holders: list[str]
    """Replicas and runs, whose output is kept."""
    deployment_ids: list[int]


class AppDeletion:
    """`builder` makes the image builder when an app is deleted: most hosts never need it here."""

    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        observed_state: ObservedState,
        routes: RouteSync,
        store: OutputStore,
        builder: Callable[[], ImageBuilder],
        logs: DeploymentLog,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._observed_state = observed_state
        self._routes = routes
        self._store = store
        self._builder = builder
        self._logs = logs

    def delete_apps(self) -> int:
        """Do what can be done now for every app that is to be deleted; says how many are gone."""
        with self._db.read(platform=REASON) as session:
            deleted = list(session.scalars(select(App.id).where(App.deleted_at.is_not(None))))
        return sum(self._delete(app_id) for app_id in deleted)

    def _delete(self, app_id: int) -> bool:
        if not self._is_idle(app_id):
            return False
        with self._db.read(platform=REASON) as session:
            found = _belongings(session, app_id)
        self._remove_images(found)
        if found.was_built:
            self._builder().forget_sources()
            self._builder().forget_steps(DeletedApp(app_id, found.tenant_id))
        for each in found.holders:
            self._store.remove(each)
        for deployment_id in found.deployment_ids:
            self._logs.remove(deployment_id)
        self._leave_tenant(app_id)
        with self._db.write(platform=REASON) as session:
            usage_subjects.remember_app(session, session.get_one(App, app_id))
            session.execute(delete(App).where(App.id == app_id))
        log.info("app deleted", extra={"app_id": app_id, "images": len(found.images)})
        return True

    def _is_idle(self, app_id: int) -> bool:
        """Out of the route table, no deployment under way or about to be reported, no replica left."""
        with self._db.write(platform=REASON) as session:
            hosts = list(session.scalars(select(Domain.host).filter_by(app_id=app_id)))
            if hosts:
                touch_routes(session, hosts)
                domain_claims.remember(session, hosts, session.get_one(App, app_id).tenant_id)
                session.execute(delete(Domain).where(Domain.app_id == app_id))
            has_ended = _stop_deployments(session, app_id) and not _awaits_report(session, app_id)
            is_idle = has_ended and not _has_replicas(session, app_id) and not active_runs(session, app_id)
        if hosts:
            self._routes.sync()
        return is_idle and not self._observed_state.of(app_id)

    def _remove_images(self, found: Belongings) -> None:
        deployments = set(found.deployment_ids)
        without_row = {image.name for image in self._runtime.own_images() if image.deployment_id in deployments}
        for image in sorted(without_row.union(found.images)):
            self._runtime.remove_image(image)

    def _leave_tenant(self, app_id: int) -> None:
        """What the runtime keeps for the tenant goes with its last app."""
        with self._db.read(platform=REASON) as session:
            app = session.get_one(App, app_id)
            others = session.scalars(select(App.id).where(App.tenant_id == app.tenant_id, App.id != app_id)).all()
            tenant = session.get_one(Tenant, app.tenant_id).name
        if not others:
            self._runtime.remove_tenant(tenant)


def _stop_deployments(session: Session, app_id: int) -> bool:
    """Returns whether all have ended."""
    unfinished = [str(state) for state in UNFINISHED]
    under_way = list(
        session.scalars(select(Deployment).where(Deployment.app_id == app_id, Deployment.state.in_(unfinished)))
    )
    for row in under_way:
        lifecycle.request_stop(row, State.CANCELLED, _WHY_STOPPED)
    return all(State(row.state) not in UNFINISHED for row in under_way)


def _awaits_report(session: Session, app_id: int) -> bool:
    """Has a deployment that a worker began ended, or gone live, so shortly ago that its report may be on its way?"""
    over_at = func.coalesce(Deployment.ended_at, Deployment.live_at)
    query = select(Deployment.id).where(
        Deployment.app_id == app_id,
        Deployment.started_at.is_not(None),
        Deployment.reported_state.is_(None),
        over_at > now() - REPORT_TIMEOUT,
    )
    return session.scalar(query.limit(1)) is not None


def _has_replicas(session: Session, app_id: int) -> bool:
    query = select(Replica.id).where(Replica.app_id == app_id, Replica.state != GONE).limit(1)
    return session.scalar(query) is not None


def _belongings(session: Session, app_id: int) -> Belongings:
    images = {*session.scalars(select(Release.image).filter_by(app_id=app_id))}
    images |= {*session.scalars(select(Build.image).filter_by(app_id=app_id))}
    app = session.get_one(App, app_id)
    return Belongings(
        tenant_id=app.tenant_id,
        was_built=app.source == "git",
        images=sorted(images),
        holders=[
            *session.scalars(select(Replica.id).filter_by(app_id=app_id)),
            *map(holder, session.scalars(select(Run.id).filter_by(app_id=app_id))),
        ],
        deployment_ids=list(session.scalars(select(Deployment.id).filter_by(app_id=app_id))),
    )
