"""The tenant's people, and people who are imported. Keycloak has them and their roles: no table here does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from router import documents
from router.identity.sign_on import required
from router.identity.tenant_choice import NO_TENANT
from router.principal import Principal
from router.services import Services
from slipway.adapters.redis.people_lock import people_lock
from slipway.core.access.roles import Role
from slipway.core.identity.people import Member
from slipway.domain import people
from slipway.domain.people import TenantPeople
from slipway.errors import Conflict, InvalidInput
from slipway.models import Tenant
from slipway.ports.identity import IdentityProvider


def list_users(services: Services, principal: Principal) -> documents.Users:
    """Everybody with a role in the tenant."""
    return documents.Users(users=[_shown(member) for member in _of_tenant(services, principal).members()])


def show_user(services: Services, principal: Principal, login: str) -> documents.UserDetails:
    """One of the tenant's people, with what their owners may know of them."""
    found = _of_tenant(services, principal).show(login)
    return documents.UserDetails(
        **dict(_shown(found.member)),
        groups=list(found.groups),
        seen_at=found.seen_at,
        sessions=found.sessions,
        invited_by=found.inviter,
        joined_at=found.joined_at,
    )


def end_sessions(services: Services, principal: Principal, login: str) -> None:
    """One of the tenant's people signs in again, everywhere."""
    _of_tenant(services, principal).end_sessions(login, required(services.sign_on).sessions.end_of_sub)


def add_user(services: Services, principal: Principal, *, login: str, role: Role, tenant: str = "") -> documents.User:
    """Somebody whom Keycloak knows gets a role in the tenant, if an administrator says so. Owners invite."""
    if not principal.platform_admin:
        principal.require(Role.OWNER)
        if tenant not in ("", principal.tenant):
            principal.require_platform_admin()
    elif tenant:
        principal = _in_tenant(services, principal, tenant)
    elif principal.tenant_id == NO_TENANT:
        raise InvalidInput("tenant is missing, and you are in none", remedy="name the tenant")
    with _changing(services, principal) as people:
        return _shown(people.add(login, role, finds_anybody=principal.platform_admin))


def change_user(services: Services, principal: Principal, login: str, *, role: Role) -> documents.User:
    """Another role."""
    with _changing(services, principal) as tenant:
        return _shown(tenant.change(login, role))


def remove_user(services: Services, principal: Principal, login: str) -> None:
    """No role any more. Keycloak goes on to know the person."""
    with _changing(services, principal) as tenant:
        tenant.remove(login)


def import_users(
    services: Services, principal: Principal, lines: Sequence[tuple[int, Mapping[str, Any]]], *, dry_run: bool
) -> documents.UserImport:
    """People of any tenant, with the password hashes that they have elsewhere."""
    principal.require_platform_admin()
    provider = provider_of(services)
    outcomes = people.import_people(services.db, provider.people, principal.actor, lines, dry_run=dry_run)
    shown = [
        documents.ImportedLine(number=each.line, login=each.login, outcome=str(each.outcome), detail=each.detail)
        for each in outcomes
    ]
    return documents.UserImport(dry_run=dry_run, lines=shown)


def _in_tenant(services: Services, principal: Principal, name: str) -> Principal:
    """The administrator, in another tenant."""
    with services.db.read(platform="an administrator names a tenant") as session:
        tenant_id = session.scalar(select(Tenant.id).filter_by(name=name))
    if tenant_id is None:
        raise InvalidInput(f"there is no tenant {name[:80]!r}", remedy="slipway tokens create --tenant makes one")
    return replace(principal, tenant_id=tenant_id, tenant=name)


@contextmanager
def _changing(services: Services, principal: Principal) -> Iterator[TenantPeople]:
    tenant = _of_tenant(services, principal)
    with people_lock(services.redis, principal.tenant_id):
        yield tenant


def _of_tenant(services: Services, principal: Principal) -> TenantPeople:
    """The caller's own tenant: no other can be named."""
    provider, changes = provider_of(services), required(services.sign_on).changes
    return TenantPeople(services.db, provider.people, changes, principal.tenant_id, principal.actor)


def provider_of(services: Services) -> IdentityProvider:
    """Raises `Conflict` when sign-on is off."""
    if services.identity is None:
        raise Conflict("Sign-on is off on this platform.", remedy="set SLIPWAY_KEYCLOAK in .env, then: make up")
    return services.identity


def _shown(member: Member) -> documents.User:
    person = member.person
    return documents.User(
        id=person.sub,
        login=person.login,
        name=person.name,
        email=person.email,
        role=str(member.role),
        enabled=person.enabled,
    )
