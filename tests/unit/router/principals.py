"""Principals for tests."""

from __future__ import annotations

from router.principal import Kind, Principal
from slipway.core.access.roles import Role


def token_of(tenant_id: int, token_id: int = 0) -> Principal:
    """A viewer's token."""
    return Principal(Kind.TOKEN, str(token_id), f"token-{token_id}", tenant_id, f"t{tenant_id}", Role.VIEWER)
