"""What each host leads to, read from SQL as columns: ten thousand hosts are no ten thousand objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.routing import CONNECT_TIMEOUT_S, MAX_BODY_BYTES, READ_TIMEOUT_S, Backend, Service
from slipway.core.states import State
from slipway.models import App, Deployment, Domain, Release, Replica, Target, Tenant

_Key = tuple[int, str]  # app id, environment


def services(session: Session, hosts: Collection[str] | None = None) -> dict[str, Service | None]:
    """Host → what it leads to; None: nothing any more. All hosts when `hosts` is None."""
    query = (
        select(Domain.host, Domain.app_id, Domain.environment, Domain.process, App.name, App.deleted_at, Tenant.name)
        .join(App, App.id == Domain.app_id)
        .join(Tenant, Tenant.id == Domain.tenant_id)
    )
    if hosts is not None:
        query = query.where(Domain.host.in_(hosts))
    domains = session.execute(query).all()
    apps = None if hosts is None else {row.app_id for row in domains}
    backends, release_ids = _backends(session, apps)
    limits = _limits(session, apps, release_ids)
    return {
        host: None
        if deleted
        else Service(
            app_id, app, tenant, tuple(backends[app_id, environment, process]), **limits.get((app_id, environment), {})
        )
        for host, app_id, environment, process, app, deleted, tenant in domains
    }


def _backends(
    session: Session, apps: Collection[int] | None
) -> tuple[Mapping[tuple[int, str, str], list[Backend]], dict[_Key, int]]:
    query = select(
        Target.app_id, Target.environment, Target.process, Target.replica_id, Target.address, Target.port,
        Replica.release_id,
    ).join(Replica, Replica.id == Target.replica_id)  # fmt: skip
    if apps is not None:
        query = query.where(Target.app_id.in_(apps))
    backends: dict[tuple[int, str, str], list[Backend]] = defaultdict(list)
    release_ids: dict[_Key, int] = {}
    for app_id, environment, process, replica_id, address, port, release_id in session.execute(query):
        backends[app_id, environment, process].append(Backend(replica_id, address, port))
        release_ids[app_id, environment] = release_id
    return backends, release_ids


def _limits(
    session: Session, apps: Collection[int] | None, release_ids: Mapping[_Key, int]
) -> dict[_Key, dict[str, Any]]:
    """Timeouts and body size, of the release that the targets run, else of the live one."""
    live = select(Deployment.app_id, Deployment.environment, Deployment.release_id).where(
        Deployment.state == str(State.LIVE), Deployment.release_id.is_not(None)
    )
    if apps is not None:
        live = live.where(Deployment.app_id.in_(apps))
    chosen = {(app_id, environment): release_id for app_id, environment, release_id in session.execute(live)}
    chosen |= release_ids
    query = select(Release.id, Release.configuration)
    if apps is not None:
        query = query.where(Release.id.in_(set(chosen.values())))
    wanted = set(chosen.values())
    by_release = {id_: _of(values) for id_, values in session.execute(query) if id_ in wanted}
    return {key: by_release[release_id] for key, release_id in chosen.items() if release_id in by_release}


def _of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "connect_timeout_s": configuration.get("connect_timeout_s", CONNECT_TIMEOUT_S),
        "read_timeout_s": configuration.get("read_timeout_s", READ_TIMEOUT_S),
        "max_body_bytes": configuration.get("max_body_bytes", MAX_BODY_BYTES),
    }
