"""Who looks at a page: the caller, the tenants that they may choose, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from router.identity import tenant_choice
from router.identity.cookies import SESSION
from router.identity.tenant_choice import Membership
from router.login.reading import session_of
from router.principal import Kind, Principal
from router.services import Services
from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.errors import DependencyUnavailable


@dataclass(frozen=True, slots=True)
class Viewer:
    principal: Principal
    tenants: tuple[Membership, ...] = ()
    """Those of a person; a token has the one that it is of."""
    signs_out_at: str = ""
    """Where a form ends the session; empty: the caller has none."""

    @property
    def name(self) -> str:
        return self.principal.name

    @property
    def tenant(self) -> str:
        return self.principal.tenant

    @property
    def role(self) -> str:
        return str(self.principal.role)

    def may(self, role: str) -> bool:
        """Whether what takes that role is offered. What is offered decides nothing: each act asks again."""
        return roles.may(self.principal.role, Role(role))

    @property
    def is_platform_admin(self) -> bool:
        return self.principal.platform_admin


def viewer_of(services: Services, principal: Principal) -> Viewer:
    """Of the request that is served."""
    if SESSION not in request.headers.get("Cookie", ""):
        return Viewer(principal)
    if principal.kind is not Kind.PERSON:
        return Viewer(principal, signs_out_at="/auth/token/end")
    session = session_of(services, request)
    found = tenant_choice.memberships_of(services, session.person) if session is not None else []
    return Viewer(principal, tuple(found), "/auth/logout")


@dataclass(frozen=True, slots=True)
class WithoutTenant:
    """Somebody who is signed in, and acts in no tenant yet."""

    login: str
    tenants: tuple[Membership, ...]
    """Those that they may choose."""


def without_tenant(services: Services) -> WithoutTenant | None:
    """None: nobody is signed in, or that is not known now."""
    try:
        session = session_of(services, request)
        if session is None:
            return None
        return WithoutTenant(session.person.login, tuple(tenant_choice.memberships_of(services, session.person)))
    except DependencyUnavailable:
        return None
