"""The identity provider."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, json
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, operation
from router.identity.sign_on import required
from router.usecases.access import identity
from slipway.core.access.roles import Role

blueprint = APIBlueprint("identity", __name__, tag="Identity")

KEYS_CACHED_S = 300
"""How long apps may go on with the keys that they have; a key that they do not know they look for at once."""
SIGN_IN_CACHED_S = 60
"""How long after sign-on was switched on or off somebody may still see it as it was."""


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


@operation(blueprint, "GET", "/api/sign-in", output=documents.SignIn)
def get_sign_in() -> tuple[documents.SignIn, int, dict[str, str]]:
    """How people sign in, for the command line

    For everybody. What it names is a public client and addresses of the identity provider; there is no secret in it.
    """
    return identity.how_to_sign_in(services()), 200, {"Cache-Control": f"public, max-age={SIGN_IN_CACHED_S}"}


@operation(blueprint, "GET", "/.well-known/slipway/jwks.json", content=("application/json",))
def get_identity_keys() -> Response:
    """The keys of X-Slipway-Identity

    A JSON Web Key Set (RFC 7517), by which apps verify who calls them.
    """
    keys = required(services().sign_on).identity_key.public
    cached = {"Cache-Control": f"public, max-age={KEYS_CACHED_S}"}
    return Response(json.dumps(keys), headers=cached, content_type="application/json")
