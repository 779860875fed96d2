"""Invitations as a tenant's owners have them: made, listed, revoked. Nobody is asked whether the address is known."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.core.access import tokens
from slipway.core.access.roles import Role
from slipway.core.identity.email_address import email_address
from slipway.db import Database
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import TO_CHANGE, Invitation, Tenant, now

LIFETIME = timedelta(days=7)
UNACCEPTED_MOST = 100
"""Of a tenant, made within a lifetime, whether they were revoked or not: each can make one account."""
SHOWN_MOST = 200


class State(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


def state_of(row: Invitation, at: datetime) -> State:
    if row.accepted_at is not None:
        return State.ACCEPTED
    if row.revoked_at is not None:
        return State.REVOKED
    return State.OPEN if row.expires_at > at else State.EXPIRED


@dataclass(frozen=True, slots=True)
class Inviter:
    """An owner: a person or a token. Who is none any more when the invitation is accepted has invited nobody."""

    sub: str = ""
    token_id: int | None = None


@dataclass(frozen=True, slots=True)
class TenantInvitations:
    """Those of one tenant. Whoever revokes one holds the lock of the tenant's people, so that nobody accepts it just
    then."""

    database: Database
    tenant_id: int
    actor: Actor

    def newest(self) -> list[Invitation]:
        with self.database.read(tenant_id=self.tenant_id) as session:
            return list(session.scalars(select(Invitation).order_by(Invitation.id.desc()).limit(SHOWN_MOST)))

    def create(self, email: str, role: Role, inviter: Inviter) -> tuple[Invitation, str]:
        """The invitation, and its secret, which is not kept. An open one for the same address is revoked.

        Raises:
            InvalidInput: it is no e-mail address.
            Conflict: the tenant has as many as it may.
        """
        address = email_address(email)
        if not address:
            raise InvalidInput("email is no e-mail address", remedy="give one, such as ada@example.org")
        secret = tokens.INVITATION_PREFIX + secrets.token_urlsafe(tokens.RANDOM_BYTES)
        at = now()
        with self.database.write(tenant_id=self.tenant_id) as session:
            session.get_one(Tenant, self.tenant_id, with_for_update=TO_CHANGE)  # two at once would both be the last
            _require_room(session, at)
            row = Invitation(
                tenant_id=self.tenant_id,
                email=address,
                role=str(role),
                hashed=tokens.hashed(secret),
                inviter=self.actor.name[:255],
                inviter_sub=inviter.sub,
                token_id=inviter.token_id,
                created_at=at,
                expires_at=at + LIFETIME,
            )
            session.add(row)
            session.flush()
            self._replace(session, row)
            detail = {"invitation": row.id, "role": str(role)}
            audit.record(session, self.tenant_id, self.actor, Action.INVITATION_CREATE, address, **detail)
        return row, secret

    def revoke(self, number: int) -> None:
        """Revoking one again changes nothing.

        Raises:
            NotFound: the tenant has no such invitation.
            Conflict: it was accepted.
        """
        with self.database.write(tenant_id=self.tenant_id) as session:
            query = select(Invitation).filter_by(id=number, tenant_id=self.tenant_id)
            row = session.scalar(query.with_for_update(**TO_CHANGE))
            if row is None:
                raise NotFound(f"there is no invitation {number}", remedy="slipway users invitations")
            if row.accepted_at is not None:
                remedy = f"slipway users remove {row.accepted_login}"
                raise Conflict(f"the invitation {number} was accepted by {row.accepted_login}", remedy=remedy)
            if row.revoked_at is None:
                self._revoke(session, row)

    def _replace(self, session: Session, new: Invitation) -> None:
        query = select(Invitation).filter_by(email=new.email, revoked_at=None, accepted_at=None)
        for row in session.scalars(query.where(Invitation.id != new.id).with_for_update(**TO_CHANGE)):
            self._revoke(session, row, by=new.id)

    def _revoke(self, session: Session, row: Invitation, **detail: int) -> None:
        row.revoked_at = now()
        detail = {"invitation": row.id, **detail}
        audit.record(session, self.tenant_id, self.actor, Action.INVITATION_REVOKE, row.email, **detail)


def _require_room(session: Session, at: datetime) -> None:
    query = select(func.count(Invitation.id)).where(
        Invitation.accepted_at.is_(None), Invitation.created_at > at - LIFETIME
    )
    if (session.scalar(query) or 0) >= UNACCEPTED_MOST:
        raise Conflict(
            f"the tenant made {UNACCEPTED_MOST} invitations within {LIFETIME.days} days that nobody has accepted",
            remedy="wait until some are accepted or older; an administrator can bring many people in by an import",
        )
