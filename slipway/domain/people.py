"""A tenant's people, and people who come from elsewhere. The identity provider is the truth of both: no row is written
but the audit log's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import select

from slipway.core.access.roles import Role
from slipway.core.identity.import_lines import read_line
from slipway.core.identity.people import Imported, KnownPerson, Member, NewPerson, Outcome
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.db import Database
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.domain.identity import group_of
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import Tenant
from slipway.ports.identity import People

BATCH_MOST = 200
"""Lines of an import that go together: what was created of a batch is in the audit log as one record."""


class ChangedPeople(Protocol):
    """Where it is reported that the identity provider knows something else of a person now."""

    def person_changed(self, sub: str) -> None: ...


def tenant_group(database: Database, tenant_id: int) -> TenantGroup:
    with database.read(tenant_id=tenant_id) as session:
        return group_of(session.get_one(Tenant, tenant_id))


def member(people: People, tenant: TenantGroup, login: str) -> Member:
    """Raises `NotFound` when nobody of that login has a role in the tenant."""
    found = _with_login(people.members(tenant), login)
    if found is None:
        raise _no_member(login, tenant)
    return found


def set_role(
    people: People, changes: ChangedPeople, tenant: TenantGroup, login: str, role: Role | None
) -> Member | None:
    """Have a person in that role; None: in none. What they were before: None when they had no role.

    The caller holds the tenant's lock: of two owners who remove each other one has to stay.

    Raises:
        NotFound: the identity provider knows nobody of that login, or who is to be removed has no role here.
        Conflict: the tenant would have no owner.
    """
    members = people.members(tenant)
    before = _with_login(members, login)
    if before is None and role is None:
        raise _no_member(login, tenant)
    person = before.person if before else _known(people, login)
    if before is not None and before.role == Role.OWNER and role != Role.OWNER:
        _keep_an_owner(members, before, tenant)
    try:
        people.set_role(tenant, person, role)
    finally:  # also when it failed halfway: what edges and sessions know of the person may be wrong
        changes.person_changed(person.sub)
    return before


def import_people(
    database: Database,
    people: People,
    actor: Actor,
    lines: Sequence[tuple[int, Mapping[str, Any]]],
    *,
    dry_run: bool,
) -> list[Imported]:
    """Create the people whom the lines describe; an outcome for each, in their order.

    Raises:
        DependencyUnavailable: the database or the provider does not answer. What was created stays, and is found by the
            next run.
    """
    with database.read(platform="the tenants of imported people") as session:
        tenants = set(session.scalars(select(Tenant.name)))
    read = [_read(number, fields, tenants) for number, fields in lines]
    created = iter(people.create([each for each in read if isinstance(each, NewPerson)], dry_run=dry_run))
    outcomes = [next(created) if isinstance(each, NewPerson) else each for each in read]
    if not dry_run:
        _record(database, actor, outcomes)
    return outcomes


def _read(number: int, fields: Mapping[str, Any], tenants: set[str]) -> NewPerson | Imported:
    try:
        return read_line(number, fields, tenants)
    except InvalidInput as error:
        return Imported(number, "", Outcome.REFUSED, error.message)


def _record(database: Database, actor: Actor, outcomes: Iterable[Imported]) -> None:
    created = [each.line for each in outcomes if each.outcome == Outcome.CREATED]
    if created:
        counts = {str(outcome): count for outcome, count in Counter(each.outcome for each in outcomes).items()}
        with database.write(platform="people were imported") as session:
            detail = {"lines": counts, "first": created[0], "last": created[-1]}
            audit.record(session, None, actor, Action.PEOPLE_IMPORT, "keycloak", **detail)


def _with_login(members: Iterable[Member], login: str) -> Member | None:
    return next((each for each in members if each.person.login == login.lower()), None)


def _no_member(login: str, tenant: TenantGroup) -> NotFound:
    return NotFound(f"{login!r} has no role in {tenant.name}", remedy="slipway users")


def _known(people: People, login: str) -> KnownPerson:
    person = people.find(login)
    if person is None:
        raise NotFound(
            f"Keycloak knows nobody with the login {login!r}",
            remedy="an administrator adds people in Keycloak's console, or by: slipway users import",
        )
    return person


def _keep_an_owner(members: Iterable[Member], leaving: Member, tenant: TenantGroup) -> None:
    """Somebody who is disabled can't sign in to give the role to another."""
    others = [each for each in members if each.role == Role.OWNER and each.person.sub != leaving.person.sub]
    if not any(each.person.enabled for each in others):
        raise Conflict(
            f"{leaving.person.login} is the last owner of {tenant.name}",
            remedy="make somebody else an owner first: slipway users role LOGIN owner",
        )
