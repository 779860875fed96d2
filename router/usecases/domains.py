"""Hosts that lead to an app. Each belongs to one app on the whole platform."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases import domain_claims
from router.usecases.certificates.jobs import wake
from router.usecases.domain_claims import Evidence
from router.usecases.finding import app_named, unique_or
from router.usecases.showing import certificates as certificates_shown
from slipway.core.naming import validation
from slipway.core.naming.shown_names import shown
from slipway.domain import audit
from slipway.domain.attached.services import refuse_service
from slipway.domain.audit import Action
from slipway.domain.certificates.host_addresses import addresses_of
from slipway.domain.domain_claims import is_redirected_to, remember
from slipway.domain.quota import enforcement
from slipway.domain.route_table import host_row, route_table, touch_routes
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import App, Domain
from slipway.settings import Settings

PER_APP = 100


def list_domains(services: Services, principal: Principal, app_name: str) -> documents.Domains:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        rows = list(session.scalars(select(Domain).filter_by(app_id=app.id).order_by(Domain.id)))
        return documents.Domains(domains=_shown(session, services.settings, rows))


def add_domain(
    services: Services, principal: Principal, app_name: str, text: str, redirect_to: str | None = None
) -> documents.Domain:
    """Lead a host to the app, or have it redirect to another host of the app. The app's own again changes no more than
    where it redirects to.

    Raises:
        InvalidInput: it is no name that an app may have, or the platform's own.
        DomainNotProven: somebody else is at the domain, and no record shows that it is the tenant's.
        Conflict: it leads to another app, or lies below a host under the platform's domain that is not the tenant's:
            its cookies would reach there. Nobody learns whose it is. Or the redirect leads nowhere, or in a circle.
        QuotaExceeded: the tenant may have no more.
    """
    host = _allowed_host(services.settings, text)
    target = validation.host_name(redirect_to) if redirect_to else None
    _require_app(services, principal, app_name)
    evidence = domain_claims.look_up(services, principal, host)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        refuse_service(session, app, "no host leads to", "attach it to an app: slipway services attach")
        own = list(session.scalars(select(Domain).filter_by(app_id=app.id)))
        _check_redirect(own, host, target)
        row = next((each for each in own if each.host == host), None)
        if row is None:
            row = _new(session, services.settings, app, host, len(own), evidence)
        elif row.redirect_to == target:
            return _shown(session, services.settings, [row])[0]
        row.redirect_to = target
        touch_routes(session, [host])
        redirect = {"redirect_to": target} if target else {}
        audit.record(session, app.tenant_id, principal.actor, Action.DOMAIN_ADD, host, app=app.name, **redirect)
    services.queue.wake_agent(app.id)
    wake(services)
    return _added(services, principal, row)


def remove_domain(services: Services, principal: Principal, app_name: str, text: str) -> None:
    """Raises `NotFound` when the host does not lead to the app, `Conflict` when another host redirects to it."""
    host = validation.host_or_wildcard(text)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        row = session.scalar(select(Domain).filter_by(app_id=app.id, host=host))
        if row is None:
            raise NotFound(f"{host} does not lead to {app.name}.", remedy=f"slipway domains -a {app.name}")
        _require_no_redirect_to(session, app, host)
        session.delete(row)
        remember(session, [host], app.tenant_id)
        touch_routes(session, [host])
        audit.record(session, app.tenant_id, principal.actor, Action.DOMAIN_REMOVE, host, app=app.name)
    services.queue.wake_agent(app.id)
    wake(services)


def _new(session: Session, settings: Settings, app: App, host: str, existing: int, evidence: Evidence) -> Domain:
    """The route table's lock comes before the question who else is there, so that two at once don't both see nobody."""
    if existing >= PER_APP:
        raise Conflict(f"an app has at most {PER_APP} hosts", remedy="remove one first: slipway domains remove")
    _check_parent(session, settings, app, host)
    enforcement.require_domain(session, app.tenant_id)
    route_table(session, lock=True)
    proven_at = domain_claims.settle(session, settings, app.tenant_id, host, evidence)
    row = host_row(app, host)
    row.custom, row.proven_at = True, proven_at
    with unique_or(session, Conflict(f"{host} leads to another app", remedy="remove it there first")):
        session.add(row)
    return row


def _require_app(services: Services, principal: Principal, app_name: str) -> None:
    """Before anything is looked up for it."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app_named(session, app_name)


def _allowed_host(settings: Settings, text: str) -> str:
    host = validation.domain_or_wildcard(text)
    console = validation.host_name(settings.console_host)
    below_domain = f".{validation.host_name(settings.app_domain)}"
    own = host == console or host.endswith(f".{console}") or f".{host.removeprefix('*.')}" == below_domain
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


def _check_redirect(own: Sequence[Domain], host: str, target: str | None) -> None:
    """One step, to a host that serves: so there is no circle and no chain."""
    if target is None:
        return
    known = {each.host: each for each in own}
    if target == host:
        raise InvalidInput(f"{host} can't redirect to itself", remedy="name another host of the app")
    if target not in known:
        raise Conflict(f"{target} does not lead to the app", remedy=f"slipway domains add {target}, then try again")
    if known[target].redirect_to:
        raise Conflict(
            f"{target} itself redirects to {known[target].redirect_to}", remedy=f"name {known[target].redirect_to}"
        )
    coming = next((each.host for each in own if each.redirect_to == host), None)
    if coming:
        raise Conflict(f"{coming} redirects to {host}, which has to serve", remedy=f"remove {coming} first")


def _require_no_redirect_to(session: Session, app: App, host: str) -> None:
    coming = is_redirected_to(session, app.id, host)
    if coming:
        raise Conflict(f"{coming} redirects to {host}", remedy=f"slipway domains remove {coming} first")


def _added(services: Services, principal: Principal, row: Domain) -> documents.Domain:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return _shown(session, services.settings, [row])[0]


def _shown(session: Session, settings: Settings, rows: Sequence[Domain]) -> list[documents.Domain]:
    hosts = [row.host for row in rows]
    certificates = certificates_shown.of_hosts(session, settings, hosts)
    addresses = addresses_of(session, settings, hosts)
    return [_document(row, addresses[row.host], certificates.get(row.host)) for row in rows]


def _document(row: Domain, url: str, certificate: documents.HostCertificate | None) -> documents.Domain:
    return documents.Domain(
        host=row.host,
        name=shown(row.host),
        url=url,
        process=row.process,
        redirect_to=row.redirect_to,
        proven_at=row.proven_at,
        certificate=certificate,
        created_at=row.created_at,
    )
