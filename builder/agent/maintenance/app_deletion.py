"""Deleting an app: everything that belongs to it goes, then its row. Each step looks anew, so a crash only delays it.

The replicas leave by ordinary passes: a deleted app wishes for none. Its volumes stay, without an app: they go when
somebody asks for that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from builder.agent.dependencies import REASON, Dependencies
from builder.agent.telemetry import output
from slipway.core.build.step_cache import DeletedApp
from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.rollout.fleet import GONE
from slipway.domain import lifecycle
from slipway.domain.route_table import touch_routes
from slipway.models import App, Build, Deployment, Domain, Release, Replica, Tenant
from slipway.ports.building import ImageBuilder
from slipway.ports.logs import DeploymentLog

log = logging.getLogger(__name__)

_WHY_STOPPED = "the app is being deleted"


@dataclass(frozen=True, slots=True)
class Belongings:
    """What lies outside of SQL."""

    tenant_id: int
    was_built: bool
    """From a repository. An app that runs an image has no steps."""
    images: list[str]
    replica_ids: list[str]
    deployment_ids: list[int]


def delete_apps(dependencies: Dependencies, builder: Callable[[], ImageBuilder], logs: DeploymentLog) -> int:
    """Do what can be done now for every app that is to be deleted; says how many are gone."""
    with dependencies.db.read(platform=REASON) as session:
        deleted = list(session.scalars(select(App.id).where(App.deleted_at.is_not(None))))
    return sum(_delete(dependencies, builder, logs, app_id) for app_id in deleted)


def _delete(dependencies: Dependencies, builder: Callable[[], ImageBuilder], logs: DeploymentLog, app_id: int) -> bool:
    if not _is_still(dependencies, app_id):
        return False
    with dependencies.db.read(platform=REASON) as session:
        found = _belongings(session, app_id)
    of_its_deployments = set(found.deployment_ids)
    without_row = {
        image.name for image in dependencies.runtime.own_images() if image.deployment_id in of_its_deployments
    }
    for image in sorted(without_row.union(found.images)):
        dependencies.runtime.remove_image(image)
    if found.was_built:
        builder().forget_sources()
        builder().forget_steps(DeletedApp(app_id, found.tenant_id))
    for replica_id in found.replica_ids:
        output.path_of(dependencies.settings, replica_id).unlink(missing_ok=True)
    for deployment_id in found.deployment_ids:
        logs.remove(deployment_id)
    _leave_tenant(dependencies, app_id)
    with dependencies.db.write(platform=REASON) as session:
        session.execute(delete(App).where(App.id == app_id))
    log.info("app deleted", extra={"app_id": app_id, "images": len(found.images)})
    return True


def _is_still(dependencies: Dependencies, app_id: int) -> bool:
    """Out of the route table, no deployment under way, no replica left."""
    with dependencies.db.write(platform=REASON) as session:
        hosts = list(session.scalars(select(Domain.host).filter_by(app_id=app_id)))
        if hosts:
            touch_routes(session, hosts)
            session.execute(delete(Domain).where(Domain.app_id == app_id))
        unfinished = [str(state) for state in UNFINISHED]
        query = select(Deployment).where(Deployment.app_id == app_id, Deployment.state.in_(unfinished))
        under_way = list(session.scalars(query))
        for row in under_way:
            lifecycle.request_stop(row, State.CANCELLED, _WHY_STOPPED)
        replicas = session.scalars(select(Replica.id).where(Replica.app_id == app_id, Replica.state != GONE)).all()
        still = not replicas and all(State(row.state) not in UNFINISHED for row in under_way)
    if hosts:
        dependencies.routes.sync()
    return still and not dependencies.observed_state.of(app_id)


def _belongings(session: Session, app_id: int) -> Belongings:
    images = {*session.scalars(select(Release.image).filter_by(app_id=app_id))}
    images |= {*session.scalars(select(Build.image).filter_by(app_id=app_id))}
    app = session.get_one(App, app_id)
    return Belongings(
        tenant_id=app.tenant_id,
        was_built=app.source == "git",
        images=sorted(images),
        replica_ids=list(session.scalars(select(Replica.id).filter_by(app_id=app_id))),
        deployment_ids=list(session.scalars(select(Deployment.id).filter_by(app_id=app_id))),
    )


def _leave_tenant(dependencies: Dependencies, app_id: int) -> None:
    """What the runtime keeps for the tenant goes with its last app."""
    with dependencies.db.read(platform=REASON) as session:
        app = session.get_one(App, app_id)
        others = session.scalars(select(App.id).where(App.tenant_id == app.tenant_id, App.id != app_id)).all()
        tenant = session.get_one(Tenant, app.tenant_id).name
    if not others:
        dependencies.runtime.remove_tenant(tenant)
