"""Volumes: list them with their users, and request a removal, which the agent carries out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.documents import VolumeState
from router.principal import Principal
from router.services import Services
from router.usecases.confirmation import require_confirmation
from router.usecases.finding import app_named
from slipway.core.app_settings.configuration import Configuration
from slipway.core.deployment.states import State
from slipway.core.rollout.replica_states import GONE
from slipway.core.text.counting import plural
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.errors import Conflict, DependencyUnavailable, NotFound
from slipway.models import TO_CHANGE, App, Deployment, Release, Replica, Volume, now


def list_volumes(services: Services, principal: Principal, *, app_name: str | None) -> documents.Volumes:
    """The tenant's, those of deleted apps included; or one app's. Sizes are left out while they can't be had."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        query = select(Volume).order_by(Volume.app_name, Volume.environment, Volume.name, Volume.created_at)
        if app_name is not None:
            query = query.where(Volume.app_id == app_named(session, app_name).id)
        rows = session.scalars(query).all()
        known = set(session.scalars(select(App.id).where(App.deleted_at.is_(None))))
        users = _users(session, rows)
    sizes = _sizes(services) if rows else {}
    return documents.Volumes(
        volumes=[_shown(row, users[row.id], has_app=row.app_id in known, sizes=sizes) for row in rows]
    )


def remove_volume(services: Services, principal: Principal, volume_id: str, *, confirmed: str) -> documents.Volume:
    """Request the removal of a volume with its data. From now on no container can get it.

    Raises:
        NotFound: there is none of that name here.
        ConfirmationRequired: `confirmed` is not its name.
        Conflict: a replica or a deployment under way has it.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        row = session.scalar(select(Volume).filter_by(id=volume_id).with_for_update(**TO_CHANGE))
        if row is None:
            raise NotFound(f"There is no volume {volume_id[:150]!r} here.", remedy="see them all: slipway volumes")
        require_confirmation("volume", volume_id, confirmed)
        if row.removal_requested_at is None:
            _refuse_used(session, row)
            row.removal_requested_at, row.app_id = now(), None
            detail = {"app": row.app_name, "environment": row.environment, "path": row.mount_path}
            audit.record(session, row.tenant_id, principal.actor, Action.VOLUME_REMOVE, row.id, **detail)
        return _shown(row, [], has_app=False, sizes={})


def request_removals(session: Session, app: App) -> list[str]:
    """Request the removal of all volumes of an app that is deleted; the agent waits until its containers are gone.

    Returns their names.
    """
    rows = _of(session, app)
    for row in rows:
        row.removal_requested_at = row.removal_requested_at or now()
    return [row.id for row in rows]


def names_of(session: Session, app: App) -> list[str]:
    return [row.id for row in _of(session, app)]


def _of(session: Session, app: App) -> Sequence[Volume]:
    query = select(Volume).filter_by(app_id=app.id, removal_requested_at=None)
    return session.scalars(query.order_by(Volume.id)).all()


def _refuse_used(session: Session, row: Volume) -> None:
    users = _users(session, [row])[row.id]
    if users:
        raise Conflict(
            f"{row.id} is in use by {plural(len(users), 'replica')} of {row.app_name}; nothing was removed.",
            remedy=f"stop the app first: slipway scale 0 -a {row.app_name}\n"
            f"or delete it with its volumes: slipway apps delete {row.app_name} --volumes",
        )
    if _is_starting(session, row):
        raise Conflict(
            f"A deployment of {row.app_name} under way mounts {row.id}; nothing was removed.",
            remedy=f"wait for it to end: slipway deployments -a {row.app_name}",
        )


def _users(session: Session, rows: Sequence[Volume]) -> dict[str, list[str]]:
    """By volume: the replicas that have it, running or not. In as many queries for many as for one."""
    apps = {row.app_id for row in rows if row.app_id is not None}
    columns = (Replica.id, Replica.app_id, Replica.environment, Replica.process, Release.configuration)
    query = (
        select(*columns)
        .join(Release, Release.id == Replica.release_id)
        .where(Replica.app_id.in_(apps), Replica.state != GONE)
        .order_by(Replica.process, Replica.slot)
    )
    mounted: dict[tuple[int | None, str, str], list[str]] = defaultdict(list)
    for replica in session.execute(query):
        if not replica.configuration:
            continue
        for each in Configuration.from_json(replica.configuration).mounts_of(replica.process):
            mounted[replica.app_id, replica.environment, each.name].append(replica.id)
    return {row.id: mounted[row.app_id, row.environment, row.name] for row in rows}


def _is_starting(session: Session, row: Volume) -> bool:
    starting = (
        select(Release.configuration)
        .join(Deployment, Deployment.release_id == Release.id)
        .where(Deployment.app_id == row.app_id, Deployment.environment == row.environment)
        .where(Deployment.state == str(State.STARTING))
    )
    mounted = (each for frozen in session.scalars(starting) for each in Configuration.from_json(frozen).volumes)
    return any(each.name == row.name for each in mounted)


def _sizes(services: Services) -> Mapping[str, int]:
    try:
        return services.agent.volume_sizes()
    except DependencyUnavailable:
        return {}


def _shown(row: Volume, users: list[str], *, has_app: bool, sizes: Mapping[str, int]) -> documents.Volume:
    return documents.Volume(
        id=row.id,
        app=row.app_name,
        environment=row.environment,
        name=row.name,
        path=row.mount_path,
        state=str(_state(row, users, has_app=has_app)),
        size_bytes=sizes.get(row.id),
        used_by=users,
        created_at=row.created_at,
        used_at=row.used_at,
    )


def _state(row: Volume, users: list[str], *, has_app: bool) -> VolumeState:
    if row.removal_requested_at:
        return VolumeState.BEING_REMOVED
    if users:
        return VolumeState.IN_USE
    return VolumeState.UNUSED if has_app else VolumeState.APP_DELETED
