"""Tenants and their bearer tokens: made through the API, and on the host without it.

A token's text exists once, when it is issued. SQL keeps its hash.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from slipway.core.access import tokens
from slipway.core.access.roles import Role
from slipway.core.naming import validation
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import Tenant, Token, now

NAME_MAX = 80
LIFETIME_MAX_S = 10 * 366 * 86400


def has_tenant(session: Session, name: str) -> bool:
    """Is there a tenant of that name? Needs a platform session."""
    return session.scalar(select(Tenant.id).filter_by(name=name)) is not None


def create_tenant_if_missing(session: Session, name: str) -> Tenant:
    """The tenant of that name; made when there is none. Needs a platform session."""
    validation.slug(name, "tenant's name")
    found = session.scalar(select(Tenant).filter_by(name=name))
    if found is None:
        found = Tenant(name=name)
        session.add(found)
        session.flush()
        audit.record(session, found.id, audit.HOST, Action.TENANT_CREATE, name)
    return found


def issue_token(
    session: Session,
    tenant: Tenant,
    name: str,
    role: Role = Role.OWNER,
    expires_in_s: float | None = None,
    *,
    actor: audit.Actor = audit.HOST,
) -> tuple[Token, str]:
    """A new token's row and its text, which is not stored. The name of a dead token is free again.

    Raises:
        InvalidInput: the name or the lifetime breaks a rule.
        Conflict: a token of that name is in use.
    """
    _check(name, expires_in_s)
    _free_name(session, tenant, name)
    text = tokens.PREFIX + secrets.token_urlsafe(tokens.RANDOM_BYTES)
    row = Token(
        tenant_id=tenant.id,
        name=name,
        role=str(role),
        hashed=tokens.hashed(text),
        hint=tokens.hint(text),
        expires_at=None if expires_in_s is None else now() + timedelta(seconds=expires_in_s),
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise _in_use(name) from None
    audit.record(session, tenant.id, actor, Action.TOKEN_CREATE, name, role=str(role), hint=row.hint)
    return row, text


def revoke_token(session: Session, token_id: int, *, actor: audit.Actor = audit.HOST) -> Token:
    """Revoke a token at once. Revoking it again changes nothing.

    Raises:
        NotFound: the session's tenant has no such token.
    """
    row = session.scalar(select(Token).filter_by(id=token_id))
    if row is None:
        raise NotFound(f"there is no token {token_id}", remedy="slipway tokens")
    if row.revoked_at is None:
        row.revoked_at = now()
        audit.record(session, row.tenant_id, actor, Action.TOKEN_REVOKE, row.name, hint=row.hint)
    return row


def is_dead(row: Token, at: datetime) -> bool:
    """Is it revoked or expired?"""
    return row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at)


def _check(name: str, expires_in_s: float | None) -> None:
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise InvalidInput(f"{name[:80]!r} can't be a token's name", remedy=f"use 1 to {NAME_MAX} printable characters")
    if expires_in_s is not None and not 1 <= expires_in_s <= LIFETIME_MAX_S:
        raise InvalidInput("a token can't live that long", remedy="give from 1 second to 10 years, or no end at all")


def _free_name(session: Session, tenant: Tenant, name: str) -> None:
    old = session.scalar(select(Token).filter_by(tenant_id=tenant.id, name=name))
    if old is None:
        return
    if not is_dead(old, now()):
        raise _in_use(name)
    session.delete(old)
    session.flush()


def _in_use(name: str) -> Conflict:
    return Conflict(f"there is a token {name!r} already", remedy="choose another name, or revoke that one first")
