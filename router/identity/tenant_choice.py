"""In which tenant a person acts, and with which role there: the one rule for everything that a person signs in with."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from router.services import Services
from slipway.core.access.roles import Role
from slipway.core.identity.claims import Person, memberships
from slipway.errors import NotAllowed
from slipway.models import Tenant

HEADER = "X-Slipway-Tenant"
NO_TENANT = 0
"""No tenant has this number: whoever acts in it finds nothing."""


@dataclass(frozen=True, slots=True)
class Membership:
    tenant_id: int
    tenant: str
    role: Role


def memberships_of(services: Services, person: Person) -> list[Membership]:
    """The person's tenants that exist, by name."""
    roles = memberships(person.groups)
    if not roles:
        return []
    with services.db.read(platform="the tenants of a person") as session:
        query = select(Tenant.id, Tenant.name).where(Tenant.name.in_(roles)).order_by(Tenant.name)
        return [Membership(number, name, roles[name]) for number, name in session.execute(query)]


def choose(services: Services, person: Person, asked: str, *, remembers: bool = True) -> Membership:
    """The tenant that the request asks for by `HEADER`; else the person's only one; else the one last chosen. Not
    `remembers`: what was chosen in a browser says nothing about this caller.

    Somebody with the role platform-admin need not be in any: they act as a viewer of none then.

    Raises:
        NotAllowed: the person is not in the tenant asked for, in none, or in several without having chosen.
    """
    found = memberships_of(services, person)
    if asked:
        return _named(found, asked) or _refuse(f"you are not in a tenant {asked[:80]!r}", found)
    if len(found) == 1:
        return found[0]
    if not found and person.is_platform_admin:
        return Membership(NO_TENANT, "", Role.VIEWER)
    if not found:
        return _refuse("you are in no tenant", found)
    chosen = last_chosen(services, person.sub) if remembers else ""
    return _named(found, chosen) or _refuse("you are in several tenants", found)


def last_chosen(services: Services, sub: str) -> str:
    """Empty: none was."""
    from slipway.adapters.redis import chosen_tenants  # noqa: PLC0415  only needed with sign-on

    return chosen_tenants.read(services.redis, sub)


def remember(services: Services, person: Person, tenant: str) -> Membership:
    """From now on the person acts in that tenant where a request asks for none.

    Raises:
        NotAllowed: they are not in it.
        DependencyUnavailable: the database or Redis does not answer.
    """
    from slipway.adapters.redis import chosen_tenants  # noqa: PLC0415  only needed with sign-on

    found = memberships_of(services, person)
    membership = _named(found, tenant) or _refuse(f"you are not in a tenant {tenant[:80]!r}", found)
    chosen_tenants.write(services.redis, person.sub, membership.tenant)
    return membership


def _named(found: list[Membership], name: str) -> Membership | None:
    return next((each for each in found if each.tenant == name), None)


def _refuse(why: str, found: list[Membership]) -> Membership:
    names = ", ".join(each.tenant for each in found)
    if not names:
        raise NotAllowed(f"{why}: ask an owner of one to take you in")
    raise NotAllowed(f"{why}; yours: {names}", remedy=f"name one of yours in the header {HEADER}, or choose it")
