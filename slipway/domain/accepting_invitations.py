"""Invitations as those have them who got the link: looked at, accepted by who is signed in, or used to get an account.

The link's secret is what admits; what the page or the request says of tenant, role and address counts for nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Update, select, update

from slipway.core.access import tokens
from slipway.core.access.roles import Role, may
from slipway.core.identity.claims import SERVICE_ACCOUNT, Person
from slipway.core.identity.people import KnownPerson, Member
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.db import Database
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.domain.identity import group_of
from slipway.domain.invitations import State, state_of
from slipway.domain.people import ChangedPeople
from slipway.domain.tokens import is_dead
from slipway.errors import Conflict, InvitationVoid, SlipwayError
from slipway.models import Invitation, Tenant, Token, now
from slipway.ports.identity import People

_NOT_IN_LOGINS = re.compile(r"[^a-z0-9]+")
_LOGIN_MOST = 40
_SUFFIX_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_SUFFIX_LENGTH = 5
_TRIES = 5
_PASSWORD_BYTES = 18


@dataclass(frozen=True, slots=True)
class Invited:
    """What a link's secret stands for."""

    row: Invitation
    group: TenantGroup

    @property
    def role(self) -> Role:
        return Role(self.row.role)

    def require_open(self) -> None:
        """Raises `InvitationVoid`."""
        if state_of(self.row, now()) != State.OPEN:
            raise _void()

    def was_accepted_by(self, sub: str) -> bool:
        return self.row.accepted_at is not None and self.row.claimed_by == sub


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Of somebody who had none. The password is good for the first sign-in alone."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AcceptingInvitations:
    """Every method raises `InvitationVoid` for a secret that is none, and `DependencyUnavailable` when the database or
    the provider does not answer."""

    database: Database
    people: People
    changes: ChangedPeople

    def find(self, secret: str) -> Invited:
        """Also one that is not open any more."""
        with self.database.read(platform="find an invitation's tenant") as session:
            query = select(Invitation, Tenant).join(Tenant, Tenant.id == Invitation.tenant_id)
            found = session.execute(query.where(Invitation.hashed == tokens.hashed(secret))).one_or_none()
        if found is None:
            raise _void()
        return Invited(found[0], group_of(found[1]))

    def accept(self, secret: str, person: Person, actor: Actor) -> None:
        """The person is a member from now on. Whoever calls it holds the tenant's lock. To accept again what one has
        accepted changes nothing: who was removed since stays so.

        Raises:
            InvitationVoid: it is not open, somebody else accepts it, or the inviter is an owner no more.
            Conflict: the person has a role in the tenant already.
        """
        invited = self.find(secret)
        if invited.was_accepted_by(person.sub):
            return
        members = self._require_good(invited)
        _require_no_role(invited, members, person)
        self._change(invited, _claim(invited.row, person.sub))
        try:
            self.people.set_role(invited.group, _known(person), invited.role)
        finally:  # also when it failed halfway: what edges and sessions know of the person may be wrong
            self.changes.person_changed(person.sub)
        self._finish(invited, person, actor)

    def make_account(self, secret: str, actor: Actor) -> NewAccount:
        """An account for somebody who has none, of no tenant yet: they sign in, and accept then. Whoever calls it holds
        the tenant's lock. It does not depend on whether the invitation's address is known, and touches nobody who is
        there.

        Raises:
            InvitationVoid: the invitation is not open, or the inviter is an owner no more.
            Conflict: it made one already.
        """
        invited = self.find(secret)
        self._require_good(invited)
        row = invited.row
        if row.account_at is not None:
            raise _made_already()
        self._change(invited, _open(row).where(Invitation.account_at.is_(None)).values(account_at=now()))
        try:
            made = self._created(row.email)
        except SlipwayError:
            self._change(invited, update(Invitation).where(Invitation.id == row.id).values(account_at=None))
            raise
        with self.database.write(tenant_id=row.tenant_id) as session:
            audit.record(session, row.tenant_id, actor, Action.PERSON_CREATE, made.login, invitation=row.id)
        return made

    def _require_good(self, invited: Invited) -> list[Member]:
        """The tenant's members, when the invitation is open and its inviter still an owner."""
        invited.require_open()
        members = self.people.members(invited.group)
        if not self._is_owner(invited.row, members):
            raise _void()
        return members

    def _is_owner(self, row: Invitation, members: Iterable[Member]) -> bool:
        if row.inviter_sub:
            owners = {each.person.sub for each in members if each.role == Role.OWNER and each.person.enabled}
            return row.inviter_sub in owners
        with self.database.read(tenant_id=row.tenant_id) as session:
            token = session.scalar(select(Token).where(Token.id == row.token_id))
        return token is not None and not is_dead(token, now()) and may(Role(token.role), Role.OWNER)

    def _change(self, invited: Invited, statement: Update) -> None:
        """Raises `InvitationVoid` when no row is as the statement asks for: somebody else was first."""
        with self.database.write(tenant_id=invited.row.tenant_id) as session:
            if session.scalar(statement.returning(Invitation.id)) is None:
                raise _void()

    def _created(self, email: str) -> NewAccount:
        for _ in range(_TRIES):
            made = NewAccount(_new_login(email), secrets.token_urlsafe(_PASSWORD_BYTES))
            if self.people.create_account(made.login, made.password):
                return made
        raise Conflict("no free login was found", remedy="try again")

    def _finish(self, invited: Invited, person: Person, actor: Actor) -> None:
        row = invited.row
        done = {"accepted_at": now(), "accepted_login": person.login[:255]}
        with self.database.write(tenant_id=row.tenant_id) as session:
            session.execute(update(Invitation).where(Invitation.id == row.id).values(**done))
            role = {"role": row.role, "before": ""}
            audit.record(session, row.tenant_id, actor, Action.PERSON_ROLE, person.login, **role)
            detail = {"invitation": row.id, "role": row.role, "email": row.email, "inviter": row.inviter}
            audit.record(session, row.tenant_id, actor, Action.INVITATION_ACCEPT, person.login, **detail)


def _open(row: Invitation) -> Update:
    """The row, if it is open in the database's own eyes."""
    is_open = (Invitation.revoked_at.is_(None), Invitation.accepted_at.is_(None), Invitation.expires_at > now())
    return update(Invitation).where(Invitation.id == row.id, *is_open)


def _claim(row: Invitation, sub: str) -> Update:
    """Of two who accept at once one gets it; who was cut off after this may finish."""
    return _open(row).where(Invitation.claimed_by.in_(("", sub))).values(claimed_by=sub)


def _require_no_role(invited: Invited, members: Iterable[Member], person: Person) -> None:
    """An invitation makes a member, and changes none. The role that a first try gave before it was cut off is its
    own."""
    before = next((each.role for each in members if each.person.sub == person.sub), None)
    if before is None or (invited.row.claimed_by == person.sub and before == invited.role):
        return
    raise Conflict(
        f"as {person.login} you have the role {before} in {invited.group.name} already",
        remedy="an invitation changes nobody's role; an owner can: slipway users role",
    )


def _known(person: Person) -> KnownPerson:
    return KnownPerson(person.sub, person.login, person.name, person.email, enabled=True)


def _new_login(email: str) -> str:
    """Never an address: apps could take it for one that was verified. Nor that of a client's own account, which can
    sign in nowhere. Its end is random, so that nobody learns which logins there are."""
    name = _NOT_IN_LOGINS.sub("-", email.partition("@")[0])[:_LOGIN_MOST].strip("-")
    suffix = "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(_SUFFIX_LENGTH))
    return f"user-{suffix}" if not name or f"{name}-".startswith(SERVICE_ACCOUNT) else f"{name}-{suffix}"


def _made_already() -> Conflict:
    return Conflict(
        "An account was made with this invitation already",
        remedy="sign in with it; who has lost its first password asks for another invitation",
    )


def _void() -> InvitationVoid:
    return InvitationVoid(
        "This invitation is not good: the link is not complete, or it was used, replaced or revoked, or it has expired",
        remedy="ask whoever invited you for another one",
    )
