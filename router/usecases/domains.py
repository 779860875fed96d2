"""Hosts that lead to an app. Each belongs to one app on the whole platform."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named, unique_or
from router.usecases.showing.apps import address_of
from slipway.core.naming import validation
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.quota import enforcement
from slipway.domain.route_table import touch_routes
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import App, Domain
from slipway.settings import Settings

PER_APP = 100
_LABEL_MAX = 63


def list_domains(services: Services, principal: Principal, app_name: str) -> documents.Domains:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        rows = session.scalars(select(Domain).filter_by(app_id=app.id).order_by(Domain.id))
        return documents.Domains(domains=[_shown(services.settings, row) for row in rows])


def add_domain(services: Services, principal: Principal, app_name: str, text: str) -> documents.Domain:
    """Lead a host to the app. The app's own again changes nothing.

    Raises:
        InvalidInput: it is no name that an app may have, or the platform's own.
        Conflict: it leads to another app, or lies below a host under the platform's domain that is not the tenant's:
            its cookies would reach there. Nobody learns whose it is.
        QuotaExceeded: the tenant may have no more.
    """
    host = _allowed_host(services.settings, text)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        own = list(session.scalars(select(Domain).filter_by(app_id=app.id)))
        for row in own:
            if row.host == host:
                return _shown(services.settings, row)
        if len(own) >= PER_APP:
            raise Conflict(f"an app has at most {PER_APP} hosts", remedy="remove one first: slipway domains remove")
        _check_parent(session, services.settings, app, host)
        enforcement.require_domain(session, app.tenant_id)
        row = Domain(tenant_id=app.tenant_id, app_id=app.id, host=host, custom=True)
        with unique_or(session, Conflict(f"{host} leads to another app", remedy="remove it there first")):
            session.add(row)
        touch_routes(session, [host])
        audit.record(session, app.tenant_id, principal.actor, Action.DOMAIN_ADD, host, app=app.name)
    services.queue.wake_agent(app.id)
    return _shown(services.settings, row)


def remove_domain(services: Services, principal: Principal, app_name: str, text: str) -> None:
    """Raises `NotFound` when the host does not lead to the app."""
    host = validation.host_name(text)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        row = session.scalar(select(Domain).filter_by(app_id=app.id, host=host))
        if row is None:
            raise NotFound(f"{host} does not lead to {app.name}.", remedy=f"slipway domains -a {app.name}")
        session.delete(row)
        touch_routes(session, [host])
        audit.record(session, app.tenant_id, principal.actor, Action.DOMAIN_REMOVE, host, app=app.name)
    services.queue.wake_agent(app.id)


def add_first_host(session: Session, settings: Settings, app: App, tenant: str) -> str:
    """A new app's host under the platform's domain: `<app>`, with the tenant's name where that is taken."""
    for label in _labels(app.name, tenant):
        host = f"{label}.{settings.app_domain}".lower()
        if host == settings.console_host:
            continue
        try:
            with session.begin_nested():
                session.add(Domain(tenant_id=app.tenant_id, app_id=app.id, host=host))
        except IntegrityError:
            continue
        return host
    raise Conflict(f"no host is free for {app.name}", remedy="choose another name")


def _labels(app: str, tenant: str) -> Iterator[str]:
    yield app
    both = f"{app[:30]}-{tenant[:25]}".strip("-")
    yield f"{app}-{tenant}" if len(app) + len(tenant) < _LABEL_MAX else both
    yield from (f"{both}-{number}" for number in range(2, 20))


def _allowed_host(settings: Settings, text: str) -> str:
    host = validation.domain(text)
    console = validation.host_name(settings.console_host)
    below_domain = f".{validation.host_name(settings.app_domain)}"
    own = host == console or host.endswith(f".{console}") or f".{host}" == below_domain
    if own or (host.endswith(below_domain) and validation.is_reserved(host.removesuffix(below_domain))):
        raise InvalidInput(f"{host} is the platform's own host", remedy="choose another")
    return host


def _check_parent(session: Session, settings: Settings, app: App, host: str) -> None:
    """Browsers let a host set cookies for the one above: below an app's first host only its tenant gets more."""
    below, found, _ = host.rpartition(f".{settings.app_domain.lower()}")
    if not found or "." not in below:
        return
    parent = host[below.rindex(".") + 1 :]
    if session.scalar(select(Domain.id).filter_by(host=parent, tenant_id=app.tenant_id)) is None:
        raise Conflict(f"{host} lies below {parent}, which leads to no app of yours", remedy=f"add {parent} first")


def _shown(settings: Settings, row: Domain) -> documents.Domain:
    url = address_of(row.host, settings.public_url)
    return documents.Domain(host=row.host, url=url, process=row.process, created_at=row.created_at)
