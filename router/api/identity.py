"""The identity provider."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, operation
from router.usecases import identity
from slipway.core.access.roles import Role

blueprint = APIBlueprint("identity", __name__, tag="Identity")


class Sync(Input):
    dry_run: bool = Field(default=False, description="Only look.")


@operation(
    blueprint, "POST", "/api/identity/sync", role=Role.VIEWER, body=Sync, output=documents.IdentitySync, status=200
)
def sync_identity(body: Sync) -> documents.IdentitySync:
    """Set up Keycloak's realm, or repair what differs

    For people with the role platform-admin.
    """
    return identity.sync(services(), principal(), dry_run=body.dry_run)
