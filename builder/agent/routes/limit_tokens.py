"""The tokens that the edges' limits know, from SQL. The router writes each change of them itself; this repairs what
Redis lost, and brings what was made without the router."""

from __future__ import annotations

from sqlalchemy import or_, select

from builder.agent.scope import REASON
from slipway.db import Database
from slipway.models import Tenant, Token, now
from slipway.ports.limits import LimitToken, LimitTokens

EVERY_S = 10.0


class LimitTokenSync:
    def __init__(self, db: Database, limit_tokens: LimitTokens) -> None:
        self._db = db
        self._limit_tokens = limit_tokens

    def sync(self) -> None:
        """Raises `DependencyUnavailable`."""
        with self._db.read(platform=REASON) as session:
            query = (
                select(Token.hashed, Tenant.name, Token.expires_at)
                .join(Tenant, Tenant.id == Token.tenant_id)
                .where(Token.revoked_at.is_(None), or_(Token.expires_at.is_(None), Token.expires_at > now()))
            )
            tokens = [LimitToken(*row) for row in session.execute(query)]
        self._limit_tokens.replace(tokens)
