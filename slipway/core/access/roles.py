"""Who may do what inside a tenant. Each role may do all that those below it may."""

from __future__ import annotations

from enum import StrEnum

from slipway.errors import NotAllowed


class Role(StrEnum):
    VIEWER = "viewer"
    """Reads, but no variable's value."""
    DEVELOPER = "developer"
    """Changes apps and deploys."""
    OWNER = "owner"
    """Also hooks, tokens, and deleting apps."""


_RANK = {Role.VIEWER: 0, Role.DEVELOPER: 1, Role.OWNER: 2}


def may(role: Role, needed: Role) -> bool:
    """Is `role` enough where `needed` is asked for?"""
    return _RANK[role] >= _RANK[needed]


def require(role: Role, needed: Role, *, login: str = "") -> None:
    """Raises `NotAllowed` when `role` is not enough. A person has a login, and can be given another role."""
    if not may(role, needed):
        given = f"an owner gives it to you, under Tenant, People or by: slipway users role {login} {needed}"
        made = f"an owner makes a token of that role: slipway tokens create --name NAME --role {needed}"
        raise NotAllowed(
            f"a {role} may not do this: it takes the role {needed}",
            remedy=given if login else made,
        )
