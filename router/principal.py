"""Who calls the API: a token, a person or a workload, always of one tenant and with one role."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.domain.audit import Actor
from slipway.errors import NotAllowed


class Kind(StrEnum):
    """How the caller proved who it is."""

    TOKEN = "token"  # noqa: S105
    """A bearer token of the API."""
    PERSON = "person"
    """Somebody who signed in."""
    WORKLOAD = "workload"
    """A CI job, or a program that runs on the platform."""


@dataclass(frozen=True, slots=True)
class OnlyApp:
    """The app that a principal is restricted to: one made anew under the same name is another one."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Everything that a use case does, it does inside this tenant."""

    kind: Kind
    id: str
    """Unique among the principals of its kind."""
    name: str
    """As people know it: a token's name, a person's login, an app's name."""
    tenant_id: int
    tenant: str
    role: Role
    address: str = ""
    """The client's; empty: not known."""
    request_id: str = ""
    platform_admin: bool = False
    """Somebody with the identity provider's role platform-admin: also what is of no tenant. No token has it."""

    only_app: OnlyApp | None = None
    """Not None: what is open to CI jobs, of this app, and nothing else (`router.restriction`)."""

    @property
    def actor(self) -> Actor:
        """The principal as the audit log names it."""
        return Actor(f"{self.kind}:{self.name}", self.address, self.request_id)

    def require(self, needed: Role) -> None:
        """Raises `NotAllowed` when the role is not enough."""
        roles.require(self.role, needed, login=self.name if self.kind is Kind.PERSON else "")

    def require_platform_admin(self) -> None:
        """Raises `NotAllowed` for everybody else: an owner is one of a tenant, and this shows what is of all."""
        if not self.platform_admin:
            raise NotAllowed(
                "this is for people with the role platform-admin",
                remedy="sign in as one of them, or run the command as root on Slipway's host",
            )
