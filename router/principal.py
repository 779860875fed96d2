"""Who asks: a token's tenant and role, and how the audit log names them."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.domain.audit import Actor


@dataclass(frozen=True, slots=True)
class Principal:
    """Everything that a use case does, it does inside this tenant."""

    tenant_id: int
    tenant: str
    role: Role
    token: str
    """The token's name."""
    token_id: int
    actor: Actor

    def require(self, needed: Role) -> None:
        """Raises `NotAllowed` when the role is not enough."""
        roles.require(self.role, needed)
