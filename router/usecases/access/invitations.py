"""The tenant's invitations. What is answered does not depend on whom Keycloak knows: it is not asked."""

from __future__ import annotations

from router import documents
from router.principal import Kind, Principal
from router.services import Services
from router.usecases.access.users import provider_of
from router.usecases.finding import NUMBER_MAX
from slipway.adapters.redis.people_lock import people_lock
from slipway.core.access.roles import Role
from slipway.domain.invitations import Inviter, TenantInvitations, state_of
from slipway.errors import NotAllowed, NotFound
from slipway.models import Invitation, now


def list_invitations(services: Services, principal: Principal) -> documents.Invitations:
    """Also those that are over, the newest first."""
    return documents.Invitations(invitations=[_shown(row) for row in _of_tenant(services, principal).newest()])


def invite(services: Services, principal: Principal, *, email: str, role: Role) -> documents.NewInvitation:
    """Of at most the own role; the link is shown this once."""
    principal.require(role)
    provider_of(services)
    row, secret = _of_tenant(services, principal).create(email, role, _inviter(principal))
    url = f"{services.settings.public_url.rstrip('/')}/auth/invitations/{secret}"
    return documents.NewInvitation(**dict(_shown(row)), url=url)


def revoke_invitation(services: Services, principal: Principal, number: int) -> None:
    """Under the lock under which it is accepted: what was revoked in time makes nobody a member."""
    if number > NUMBER_MAX:
        raise NotFound(f"there is no invitation {number}", remedy="slipway users invitations")
    with people_lock(services.redis, principal.tenant_id):
        _of_tenant(services, principal).revoke(number)


def _of_tenant(services: Services, principal: Principal) -> TenantInvitations:
    return TenantInvitations(services.db, principal.tenant_id, principal.actor)


def _inviter(principal: Principal) -> Inviter:
    if principal.kind == Kind.PERSON:
        return Inviter(sub=principal.id)
    if principal.kind == Kind.TOKEN:
        return Inviter(token_id=int(principal.id))
    raise NotAllowed("a program that runs on the platform invites nobody")


def _shown(row: Invitation) -> documents.Invitation:
    return documents.Invitation(
        id=row.id,
        email=row.email,
        role=row.role,
        state=str(state_of(row, now())),
        invited_by=row.inviter,
        created_at=row.created_at,
        expires_at=row.expires_at,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_login,
    )
