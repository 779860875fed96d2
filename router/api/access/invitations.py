"""Invitations to the tenant."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases.access import invitations
from slipway.core.access.roles import Role

blueprint = APIBlueprint("invitations", __name__, tag="Invitations")


class Invite(Input):
    email: Text = Field(description="Of whom is meant. One invitation to an address is open; a newer one replaces it.")
    role: Role


@operation(blueprint, "GET", "/api/invitations", role=Role.OWNER, output=documents.Invitations)
def list_invitations() -> documents.Invitations:
    """The tenant's invitations"""
    return invitations.list_invitations(services(), principal())


@operation(
    blueprint, "POST", "/api/invitations", role=Role.OWNER, body=Invite, output=documents.NewInvitation, status=201
)
def invite(body: Invite) -> documents.NewInvitation:
    """Invite somebody, whether Keycloak knows them or not

    The answer has the link, which nobody is sent: hand it over. It is good once, for 7 days, and only for as long as
    the caller is an owner.
    """
    return invitations.invite(services(), principal(), email=body.email, role=body.role)


@operation(blueprint, "DELETE", "/api/invitations/<int:invitation>", role=Role.OWNER, status=204)
def revoke_invitation(invitation: int) -> tuple[str, int]:
    """Revoke an invitation that nobody has accepted, at once"""
    invitations.revoke_invitation(services(), principal(), invitation)
    return "", 204
