"""The tenant's people, and people who are imported. Keycloak has them; nothing of them is kept here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from router import documents
from router.identity.sign_on import required
from router.principal import Principal
from router.services import Services
from slipway.adapters.redis.people_lock import people_lock
from slipway.core.access.roles import Role
from slipway.core.identity.people import Member
from slipway.domain import people
from slipway.domain.people import TenantPeople
from slipway.errors import Conflict
from slipway.ports.identity import IdentityProvider


def list_users(services: Services, principal: Principal) -> documents.Users:
    """Everybody with a role in the tenant."""
    return documents.Users(users=[_shown(member) for member in _of_tenant(services, principal).members()])


def add_user(services: Services, principal: Principal, *, login: str, role: Role) -> documents.User:
    """Somebody whom Keycloak knows gets a role in the tenant."""
    with _changing(services, principal) as tenant:
        return _shown(tenant.add(login, role))


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
    provider = _provider(services)
    outcomes = people.import_people(services.db, provider.people, principal.actor, lines, dry_run=dry_run)
    shown = [
        documents.ImportedLine(number=each.line, login=each.login, outcome=str(each.outcome), detail=each.detail)
        for each in outcomes
    ]
    return documents.UserImport(dry_run=dry_run, lines=shown)


@contextmanager
def _changing(services: Services, principal: Principal) -> Iterator[TenantPeople]:
    tenant = _of_tenant(services, principal)
    with people_lock(services.redis, principal.tenant_id):
        yield tenant


def _of_tenant(services: Services, principal: Principal) -> TenantPeople:
    """The caller's own tenant: no other can be named."""
    provider, changes = _provider(services), required(services.sign_on).changes
    return TenantPeople(services.db, provider.people, changes, principal.tenant_id, principal.actor)


def _provider(services: Services) -> IdentityProvider:
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
