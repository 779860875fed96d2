"""A tenant's people, and people who come from elsewhere. The identity provider is the truth of both: no row is written
but the audit log's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Update, select, update

from slipway.core.access.roles import Role
from slipway.core.identity.import_lines import read_line
from slipway.core.identity.people import Imported, KnownPerson, Member, NewPerson, Outcome
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.db import Database
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.domain.identity import group_of
from slipway.errors import Conflict, InvalidInput, NotAllowed, NotFound
from slipway.models import Invitation, Tenant, User, now
from slipway.ports.identity import People


class ChangedPeople(Protocol):
    """Where it is reported that the identity provider knows something else of a person now."""

    def person_changed(self, sub: str) -> None: ...


@dataclass(frozen=True, slots=True)
class MemberDetails:
    """What a tenant's owners see of one of its people."""

    member: Member
    groups: tuple[str, ...]
    """In the tenant."""
    sessions: int
    """At the identity provider."""
    seen_at: datetime | None
    inviter: str
    """As the audit log names them; empty: nobody invited them, an administrator took them in."""
    joined_at: datetime | None
    """When they accepted."""


@dataclass(frozen=True, slots=True)
class TenantPeople:
    """The people of one tenant, and changes to their roles. Whoever changes one holds the tenant's lock."""

    database: Database
    people: People
    changes: ChangedPeople
    tenant_id: int
    actor: Actor

    def members(self) -> list[Member]:
        return self.people.members(self._group())

    def add(self, login: str, role: Role, *, finds_anybody: bool) -> Member:
        """Not `finds_anybody`: who has no role in the tenant is not looked for, so that an owner learns nothing of
        people who are not theirs, and takes nobody in who did not agree.

        Raises:
            NotAllowed: they would have to be looked for.
            InvalidInput: the identity provider knows nobody of that login.
            Conflict: they have a role in the tenant already.
        """
        tenant = self._group()
        if before := _with_login(self.people.members(tenant), login):
            remedy = f"slipway users role {before.person.login} {role}"
            raise Conflict(f"{before.person.login} is a {before.role} of {tenant.name} already", remedy=remedy)
        if not finds_anybody:
            raise NotAllowed(
                f"{login!r} has no role in {tenant.name}, and only people with the role platform-admin take in others",
                remedy=f"invite them: slipway users invite ADDRESS --role {role}",
            )
        person = self.people.find(login)
        if person is None:
            raise InvalidInput(
                f"Keycloak knows nobody with the login {login!r}",
                remedy="an administrator adds people in Keycloak's console, or by: slipway users import",
            )
        self._set(tenant, person, role, before="")
        return Member(person, role)

    def change(self, login: str, role: Role) -> Member:
        """
        Raises:
            NotFound: nobody of that login has a role in the tenant.
            Conflict: it would have no owner.
        """
        tenant, before = self._leaving(login, role)
        self._set(tenant, before.person, role, before=str(before.role))
        return Member(before.person, role)

    def remove(self, login: str) -> None:
        """Raises the same as `change`."""
        tenant, before = self._leaving(login, None)
        self._set(tenant, before.person, None, before=str(before.role))

    def show(self, login: str) -> MemberDetails:
        """Raises `NotFound` when nobody of that login has a role in the tenant."""
        tenant, member = self._member(login)
        sub = member.person.sub
        with self.database.read(tenant_id=self.tenant_id) as session:
            accepted = select(Invitation).where(Invitation.claimed_by == sub, Invitation.accepted_at.is_not(None))
            invitation = session.scalar(accepted.order_by(Invitation.accepted_at.desc()).limit(1))
        with self.database.read(platform="when a person was last seen") as session:
            seen_at = session.scalar(select(User.seen_at).where(User.sub == sub))
        return MemberDetails(
            member,
            groups=tuple(self.people.groups_in(tenant, member.person)),
            sessions=self.people.sessions_of(member.person),
            seen_at=seen_at,
            inviter=invitation.inviter if invitation else "",
            joined_at=invitation.accepted_at if invitation else None,
        )

    def end_sessions(self, login: str, end_here: Callable[[str], int]) -> None:
        """The person signs in again, everywhere. `end_here` ends the platform's own sessions of a `sub`.

        Raises:
            NotFound: nobody of that login has a role in the tenant.
        """
        _, member = self._member(login)
        try:
            self.people.end_sessions_of(member.person)  # first: whoever is signed in there needs no password here
        finally:
            many = end_here(member.person.sub)
        with self.database.write(tenant_id=self.tenant_id) as session:
            detail = {"sub": member.person.sub, "many": many, "by": self.actor.name}
            audit.record(session, self.tenant_id, self.actor, Action.SESSION_END, member.person.login, **detail)

    def _group(self) -> TenantGroup:
        with self.database.read(tenant_id=self.tenant_id) as session:
            return group_of(session.get_one(Tenant, self.tenant_id))

    def _member(self, login: str) -> tuple[TenantGroup, Member]:
        tenant = self._group()
        return tenant, _required(self.people.members(tenant), login, tenant)

    def _leaving(self, login: str, role: Role | None) -> tuple[TenantGroup, Member]:
        """Who leaves their role for this one."""
        tenant = self._group()
        members = self.people.members(tenant)
        before = _required(members, login, tenant)
        if before.role == Role.OWNER and role != Role.OWNER:
            _keep_an_owner(members, before, tenant)
        return tenant, before

    def _set(self, tenant: TenantGroup, person: KnownPerson, role: Role | None, *, before: str) -> None:
        try:
            self.people.set_role(tenant, person, role)
        finally:  # also when it failed halfway: what edges and sessions know of the person may be wrong
            self.changes.person_changed(person.sub)
        with self.database.write(tenant_id=self.tenant_id) as session:
            session.execute(_unfinished_by(person.sub).values(revoked_at=now()))
            detail = {"role": str(role or ""), "before": before}
            audit.record(session, self.tenant_id, self.actor, Action.PERSON_ROLE, person.login, **detail)


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


def _unfinished_by(sub: str) -> Update:
    """Invitations that the person has begun to accept, and was cut off: what an owner decides since counts."""
    unfinished = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
    return update(Invitation).where(Invitation.claimed_by == sub, *unfinished)


def _required(members: Iterable[Member], login: str, tenant: TenantGroup) -> Member:
    found = _with_login(members, login)
    if found is None:
        raise NotFound(f"{login!r} has no role in {tenant.name}", remedy="slipway users")
    return found


def _with_login(members: Iterable[Member], login: str) -> Member | None:
    return next((each for each in members if each.person.login == login.lower()), None)


def _keep_an_owner(members: Iterable[Member], leaving: Member, tenant: TenantGroup) -> None:
    """Somebody who is disabled can't sign in to give the role to another."""
    others = [each for each in members if each.role == Role.OWNER and each.person.sub != leaving.person.sub]
    if not any(each.person.enabled for each in others):
        raise Conflict(
            f"{leaving.person.login} is the last owner of {tenant.name}",
            remedy="make somebody else an owner first: slipway users role LOGIN owner",
        )
