"""The tenant's tokens."""

from __future__ import annotations

import logging

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import NUMBER_MAX
from slipway.adapters.redis.identity_changes import IdentityChanges, of_token
from slipway.adapters.redis.limit_tokens import RedisLimitTokens
from slipway.core.access.roles import Role
from slipway.domain import tokens
from slipway.errors import DependencyUnavailable, NotFound
from slipway.models import Tenant, Token
from slipway.ports.limits import LimitToken

log = logging.getLogger(__name__)


def list_tokens(services: Services, principal: Principal) -> documents.Tokens:
    """Those that are not revoked."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = session.scalars(select(Token).where(Token.revoked_at.is_(None)).order_by(Token.id))
        return documents.Tokens(tokens=[_shown(row) for row in rows])


def issue_token(
    services: Services, principal: Principal, *, name: str, role: Role, expires_in_s: float | None
) -> documents.IssuedToken:
    """A token of at most the own role; its text is shown this once."""
    principal.require(role)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        tenant = session.get_one(Tenant, principal.tenant_id)
        row, text = tokens.issue_token(session, tenant, name, role, expires_in_s, actor=principal.actor)
        issued = documents.IssuedToken(**dict(_shown(row)), token=text)
        known = LimitToken(row.hashed, tenant.name, row.expires_at)
    RedisLimitTokens(services.redis).add(known)
    return issued


def revoke_token(services: Services, principal: Principal, token_id: int) -> None:
    """Revoke a token at once, also the one that asks."""
    if token_id > NUMBER_MAX:
        raise NotFound(f"there is no token {token_id}", remedy="slipway tokens")
    with services.db.write(tenant_id=principal.tenant_id) as session:
        digest = tokens.revoke_token(session, token_id, actor=principal.actor).hashed
    RedisLimitTokens(services.redis).remove(digest)
    _report_revoked(services, token_id)


def _report_revoked(services: Services, token_id: int) -> None:
    """So that edges forget at once what they know of it; by themselves they do after some seconds."""
    try:
        IdentityChanges(services.redis).publish(of_token(token_id))
    except DependencyUnavailable as error:
        log.warning("edges learn of a revoked token later", extra={"token": token_id, "why": error.message})


def _shown(row: Token) -> documents.Token:
    return documents.Token(
        id=row.id,
        name=row.name,
        role=row.role,
        hint=row.hint,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
