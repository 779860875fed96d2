"""Limits on callers' requests: of an app, and of a tenant over all its apps. Edges have a change within a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.documents.limits import SCOPES
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.showing.apps import file_settings_of
from slipway.adapters.redis.limit_refusals import LimitRefusals, Refusals
from slipway.core.app_settings import limits
from slipway.core.app_settings.limits import Limit
from slipway.core.app_settings.model import traffic
from slipway.domain import audit, intents
from slipway.domain.audit import Action
from slipway.domain.quota.plans import limits_by_plan
from slipway.domain.route_table import touch_routes
from slipway.errors import DependencyUnavailable, IdentityRefused
from slipway.models import TO_CHANGE, App, Domain, Tenant, Token

LIMITS = "limits"
APP, TENANT, PLAN = SCOPES


def app_limits(services: Services, principal: Principal, app_name: str) -> documents.AppLimits:
    """All that are in force for the app, and whom they refused."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        found = [*_shown(APP, _in_force(session, app)), *_over_all_apps(session, principal)]
        app_id = app.id
    return documents.AppLimits(limits=found, refused=_refused(services, principal, app_id))


def set_app_limit(services: Services, principal: Principal, app_name: str, limit: Limit) -> documents.ChangedLimits:
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        changed = _change_app(session, principal, app, limit.name, limits.with_limit(_own(app), limit))
    services.queue.wake_agent(app.id)
    return changed


def remove_app_limit(services: Services, principal: Principal, app_name: str, name: str) -> None:
    """Raises `NotFound` when the app's settings have no limit of that name."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        remedy = f"see which there are: slipway limits -a {app.name}; those of slipway.toml are changed there"
        _change_app(session, principal, app, name, limits.without(_own(app), name, remedy))
    services.queue.wake_agent(app.id)


def tenant_limits(services: Services, principal: Principal) -> documents.Limits:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return documents.Limits(limits=_over_all_apps(session, principal))


def set_tenant_limit(services: Services, principal: Principal, limit: Limit) -> documents.ChangedLimits:
    with services.db.write(tenant_id=principal.tenant_id) as session:
        tenant = _tenant(session, principal)
        app_id = _change_tenant(session, principal, tenant, limit.name, limits.with_limit(tenant.limits or (), limit))
        shown = _shown(TENANT, limits.read(tenant.limits or ()))
    _wake(services, app_id)
    return documents.ChangedLimits(limits=shown, notices=[])


def remove_tenant_limit(services: Services, principal: Principal, name: str) -> None:
    """Raises `NotFound` when the tenant has no limit of that name."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        tenant = _tenant(session, principal)
        left = limits.without(tenant.limits or (), name, "see which there are: slipway limits --tenant")
        app_id = _change_tenant(session, principal, tenant, name, left)
    _wake(services, app_id)


def _own(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.settings.get(LIMITS) or []
    return found


def _change_app(
    session: Session, principal: Principal, app: App, name: str, changed: list[dict[str, Any]]
) -> documents.ChangedLimits:
    app.settings = {**app.settings, LIMITS: changed}
    touch_routes(session, session.scalars(select(Domain.host).filter_by(app_id=app.id)))
    audit.record(session, app.tenant_id, principal.actor, Action.LIMIT_CHANGE, name, app=app.name)
    notices = []
    if LIMITS in _file_settings(session, app):
        notices.append("The slipway.toml of what serves has limits, and those are in force: change them there.")
    return documents.ChangedLimits(limits=_shown(APP, limits.read(changed)), notices=notices)


def _tenant(session: Session, principal: Principal) -> Tenant:
    return session.get_one(Tenant, principal.tenant_id, with_for_update=TO_CHANGE)


def _change_tenant(
    session: Session, principal: Principal, tenant: Tenant, name: str, changed: list[dict[str, Any]]
) -> int | None:
    """Returns one of the tenant's apps, if it has any."""
    tenant.limits = changed
    domains = session.execute(select(Domain.host, Domain.app_id)).all()
    touch_routes(session, [host for host, _ in domains])
    audit.record(session, tenant.id, principal.actor, Action.LIMIT_CHANGE, name)
    return next((app_id for _, app_id in domains), None)


def _wake(services: Services, app_id: int | None) -> None:
    if app_id is not None:
        services.queue.wake_agent(app_id)


def _in_force(session: Session, app: App) -> tuple[Limit, ...]:
    return traffic(app.settings, _file_settings(session, app)).limits


def _file_settings(session: Session, app: App) -> dict[str, Any]:
    """What the slipway.toml of the live release says."""
    live = intents.live_deployment(session, app.id)
    return file_settings_of(session, [live]).get(app.id, {}) if live else {}


def _over_all_apps(session: Session, principal: Principal) -> list[documents.Limit]:
    """The tenant's own, and those of its plan, which it can't change."""
    own = limits.read(session.get_one(Tenant, principal.tenant_id).limits or ())
    by_plan = limits.read(limits_by_plan(session, principal.tenant_id).get(principal.tenant_id, ()))
    return [*_shown(TENANT, own), *_shown(PLAN, by_plan)]


def _shown(scope: str, found: Iterable[Limit]) -> list[documents.Limit]:
    return [documents.Limit(scope=scope, **each.model_dump()) for each in found]


def _refused(services: Services, principal: Principal, app_id: int) -> list[documents.RefusedCaller] | None:
    try:
        found = LimitRefusals(services.redis).of_app(app_id)
    except DependencyUnavailable:
        return None
    digests = {each.token_digest for each in found} - {""}
    with services.db.read(tenant_id=principal.tenant_id) as session:
        names = dict(session.execute(select(Token.hashed, Token.name).where(Token.hashed.in_(digests))).all())
    names |= _logins(services, {each.sub for each in found} - {""})
    return [
        documents.RefusedCaller(limit=each.limit, scope=each.scope, caller=_caller(each, names), requests=each.requests)
        for each in found
    ]


def _logins(services: Services, subs: set[str]) -> Mapping[str, str]:
    """Of the people whom the identity provider knows; none while it does not answer."""
    if services.directory is None or not subs:
        return {}
    try:
        return services.directory.logins(subs)
    except (DependencyUnavailable, IdentityRefused):
        return {}


def _caller(refusals: Refusals, names: Mapping[str, str]) -> str:
    """By name, where it is known: apps know a person's login, too."""
    if refusals.token_digest:
        return f"token {names.get(refusals.token_digest, '(removed)')}"
    return f"user {names.get(refusals.sub, refusals.sub)}" if refusals.sub else refusals.caller
