"""The identity provider, held to what Slipway needs."""

from __future__ import annotations

from router import documents
from router.principal import Principal
from router.services import Services
from slipway.domain import identity
from slipway.errors import Conflict


def how_to_sign_in(services: Services) -> documents.SignIn:
    """Raises `DependencyUnavailable` when sign-on is on, and the identity provider never said where."""
    if services.sign_on is None:
        return documents.SignIn(sign_on=False)
    found = services.sign_on.provider.device_sign_in()
    return documents.SignIn(
        sign_on=True,
        issuer=found.issuer,
        client_id=found.client,
        device_authorization_endpoint=found.device_authorization_endpoint or None,
        token_endpoint=found.token_endpoint,
        revocation_endpoint=found.revocation_endpoint or None,
    )


def sync(services: Services, principal: Principal, *, dry_run: bool) -> documents.IdentitySync:
    """Repair what differs; a dry run only shows it."""
    principal.require_platform_admin()
    if services.identity is None:
        raise Conflict("Sign-on is off on this platform.", remedy="set SLIPWAY_KEYCLOAK in .env, then: make up")
    found = identity.sync(services.db, services.identity, principal.actor, dry_run=dry_run)
    shown = [
        documents.IdentityDifference(where=each.where, what=each.what, detail=each.sentence, repairable=not each.left)
        for each in found
    ]
    return documents.IdentitySync(dry_run=dry_run, differences=shown)
