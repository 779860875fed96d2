"""The service behind each host, read from SQL as columns, so that ten thousand hosts don't make as many objects."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.app_settings import limits, model
from slipway.core.app_settings.limits import Limit
from slipway.core.app_settings.model import Traffic
from slipway.core.routing.route_entries import NOT_DEPLOYED, SCALED_TO_ZERO, Backend, Service
from slipway.domain.file_settings import of_releases
from slipway.domain.quota.plans import limits_by_plan
from slipway.errors import InvalidInput
from slipway.models import App, Domain, Replica, Scale, Target, Tenant

log = logging.getLogger(__name__)

_Key = tuple[int, str]  # app id, environment
_Place = tuple[int, str, str]  # app id, environment, process


def services(session: Session, hosts: Collection[str] | None = None) -> dict[str, Service | None]:
    """Host → what it leads to; None: nothing any more. All hosts when `hosts` is None."""
    query = (
        select(
            Domain.host, Domain.app_id, Domain.tenant_id, Domain.environment, Domain.process, Domain.redirect_to,
            App.name, App.settings, App.deleted_at, Tenant.name.label("tenant"),
        )
        .join(App, App.id == Domain.app_id)
        .join(Tenant, Tenant.id == Domain.tenant_id)
    )  # fmt: skip
    if hosts is not None:
        query = query.where(Domain.host.in_(hosts))
    domains = session.execute(query).all()
    apps = None if hosts is None else {row.app_id for row in domains}
    backends, standby, release_ids = _backends(session, apps)
    running = of_releases(session, apps, release_ids)
    scaled_to_zero = _scaled_to_zero(session, apps)
    tenant_limits, plan_limits = _tenant_limits(session), _plan_limits(session)
    found: dict[str, Service | None] = {}
    for row in domains:
        place: _Place = (row.app_id, row.environment, row.process)
        file_settings = running.get(place[:2])
        traffic, unreadable = _traffic(row.name, row.settings, file_settings or {})
        of_tenant, by_plan = tenant_limits.get(row.tenant_id, ()), plan_limits.get(row.tenant_id, ())
        found[row.host] = None if row.deleted_at else Service(
            row.app_id, row.name, row.tenant, tuple(backends[place]),
            stopped="" if backends[place] else _why_stopped(file_settings is not None, place in scaled_to_zero),
            traffic=traffic, standby=tuple(standby[place]), tenant_id=row.tenant_id, tenant_limits=of_tenant or (),
            plan_limits=by_plan or (),
            limits_are_readable="limits" not in unreadable and of_tenant is not None and by_plan is not None,
            access_is_readable="access" not in unreadable, redirect_to=row.redirect_to or "",
        )  # fmt: skip
    return found


def _tenant_limits(session: Session) -> dict[int, tuple[Limit, ...] | None]:
    """Of the tenants that have some; None: they can't be understood."""
    found = session.execute(select(Tenant.id, Tenant.limits).where(Tenant.limits.is_not(None)))
    return {tenant_id: _read_limits(tenant_id, values) for tenant_id, values in found if values}


def _plan_limits(session: Session) -> dict[int, tuple[Limit, ...] | None]:
    """The same by the tenants' plans."""
    return {tenant_id: _read_limits(tenant_id, values) for tenant_id, values in limits_by_plan(session).items()}


def _read_limits(tenant_id: int, values: list[Any]) -> tuple[Limit, ...] | None:
    try:
        return limits.read(values)
    except ValueError as error:
        log.warning("nobody is let in: the tenant's limits are invalid", extra={"tenant": tenant_id, "why": str(error)})
        return None


def _why_stopped(deployed: bool, scaled_to_zero: bool) -> str:
    if not deployed:
        return NOT_DEPLOYED
    return SCALED_TO_ZERO if scaled_to_zero else ""


_PROTECTING = ("access", "limits")
"""Settings without which an app would be open to more than its owner allows."""


def _traffic(app: str, settings: dict[str, Any], file_settings: dict[str, Any]) -> tuple[Traffic, frozenset[str]]:
    """Settings of another version's rules must not keep every other route from being published. Those that protect the
    app stay in force where they alone can be understood; also returns which of them can't."""
    try:
        return model.traffic(settings, file_settings), frozenset()
    except InvalidInput as error:
        log.warning("balanced by default: its settings are invalid", extra={"app": app, "why": error.message})
    kept, unreadable = Traffic(), set()
    for name in _PROTECTING:
        try:
            alone = model.traffic(*(_only(name, each) for each in (settings, file_settings)))
            kept = kept.model_copy(update={name: getattr(alone, name)})
        except InvalidInput as error:
            log.warning(f"nobody is let in: its {name} can't be read", extra={"app": app, "why": error.message})
            unreadable.add(name)
    return kept, frozenset(unreadable)


def _only(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {name: settings[name]} if name in settings else {}


def _backends(
    session: Session, apps: Collection[int] | None
) -> tuple[Mapping[_Place, list[Backend]], Mapping[_Place, list[Backend]], dict[_Key, int]]:
    """The targets, those on standby, and the release that the targets run."""
    query = select(
        Target.app_id, Target.environment, Target.process, Target.replica_id, Target.address, Target.port,
        Replica.release_id, Replica.slot, Target.standby,
    ).join(Replica, Replica.id == Target.replica_id)  # fmt: skip
    if apps is not None:
        query = query.where(Target.app_id.in_(apps))
    backends: dict[_Place, list[Backend]] = defaultdict(list)
    standby: dict[_Place, list[Backend]] = defaultdict(list)
    release_ids: dict[_Key, int] = {}
    for app_id, environment, process, replica_id, address, port, release_id, slot, waits in session.execute(query):
        among = standby if waits else backends
        among[app_id, environment, process].append(Backend(replica_id, address, port, slot))
        if not waits:
            release_ids[app_id, environment] = release_id
    return backends, standby, release_ids


def _scaled_to_zero(session: Session, apps: Collection[int] | None) -> set[_Place]:
    query = select(Scale.app_id, Scale.environment, Scale.process).where(Scale.replicas == 0)
    if apps is not None:
        query = query.where(Scale.app_id.in_(apps))
    return {(app_id, environment, process) for app_id, environment, process in session.execute(query)}
