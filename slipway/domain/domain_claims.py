"""Whose domains are, over all tenants: the one place that looks at other tenants' hosts, and never says whose they are.

Sessions of a tenant see that tenant's rows alone, so the tables are asked here, not the classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from slipway.core.dns import claims
from slipway.core.naming.public_suffixes import registered_domain
from slipway.db import beyond_tenant
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.models import App, Domain, FormerDomain, Tenant, now

FORMER_PER_TENANT = 1000
"""So many hosts that a tenant gave up are remembered: adding and removing hosts fills no disk."""

_DOMAINS, _APPS = cast(Table, Domain.__table__), cast(Table, App.__table__)


@dataclass(frozen=True, slots=True)
class Holder:
    """To whom a host leads now."""

    tenant_id: int
    app: str
    """Its name."""
    mark: str
    """The tenant's (`core.dns.claims.tenant_mark`)."""


def tenant_mark(session: Session, tenant_id: int) -> str:
    """What stands for the tenant in records of domains."""
    return claims.tenant_mark(tenant_id, session.get_one(Tenant, tenant_id).created_at)


def is_contested(session: Session, tenant_id: int, host: str, platform_hosts: Iterable[str]) -> bool:
    """Whether somebody else is at the same registered domain, or was lately: another tenant, or the platform with its
    own hosts. Whoever adds a host holds the route table's lock from before this question, so that two don't both see
    nobody."""
    registered = registered_domain(host)
    if registered in {registered_domain(each) for each in platform_hosts}:
        return True
    others = select(_DOMAINS.c.id).where(_DOMAINS.c.registered_domain == registered, _DOMAINS.c.tenant_id != tenant_id)
    former = select(FormerDomain.id).where(
        FormerDomain.registered_domain == registered,
        FormerDomain.tenant_mark != tenant_mark(session, tenant_id),
        FormerDomain.released_at > now() - claims.LATELY,
    )
    return any(session.execute(query.limit(1)).first() is not None for query in (others, former))


def holder(session: Session, host: str) -> Holder | None:
    """Whose app the host leads to, of any tenant."""
    query = select(_DOMAINS.c.tenant_id, _APPS.c.name).join(_APPS, _APPS.c.id == _DOMAINS.c.app_id)
    found = session.execute(query.where(_DOMAINS.c.host == host)).first()
    return Holder(found.tenant_id, found.name, tenant_mark(session, found.tenant_id)) if found else None


def take_from(session: Session, held: Holder, host: str) -> None:
    """Take a host from a tenant who does not hold its domain, for one who proved to."""
    session.execute(delete(_DOMAINS).where(_DOMAINS.c.host == host, _DOMAINS.c.tenant_id == held.tenant_id))
    audit.record(session, held.tenant_id, audit.DOMAIN_PROOF, Action.DOMAIN_LOSE, host, app=held.app)


def remember(session: Session, hosts: Iterable[str], tenant_id: int) -> None:
    """Keep in mind that these hosts were the tenant's. Called where their rows are deleted."""
    mark = tenant_mark(session, tenant_id)
    gone = sorted(set(hosts))
    with beyond_tenant(session, "domains: whose they were"):
        session.execute(delete(FormerDomain).where(FormerDomain.host.in_(gone)))
        session.add_all(
            FormerDomain(host=host, registered_domain=registered_domain(host), tenant_mark=mark) for host in gone
        )
        session.flush()
        _forget_oldest(session, mark)


def _forget_oldest(session: Session, mark: str) -> None:
    newest = select(FormerDomain.id).filter_by(tenant_mark=mark).order_by(FormerDomain.id.desc())
    beyond = session.scalar(newest.offset(FORMER_PER_TENANT).limit(1))
    if beyond is not None:
        session.execute(delete(FormerDomain).where(FormerDomain.tenant_mark == mark, FormerDomain.id <= beyond))


def is_redirected_to(session: Session, app_id: int, host: str) -> str | None:
    """A host of the app that redirects to this one."""
    return session.scalar(select(Domain.host).filter_by(app_id=app_id, redirect_to=host).limit(1))
