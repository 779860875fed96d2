"""The provider that the settings name, with Slipway's client there."""

from __future__ import annotations

import time
from functools import partial

from slipway.adapters.keycloak import accounts
from slipway.adapters.oidc.bounded_http import BoundedHttp
from slipway.adapters.oidc.code_flow import OidcCodeFlow
from slipway.adapters.oidc.provider import Address, Provider
from slipway.adapters.oidc.verifier import OidcTokenVerifier
from slipway.ports.clock import Clock
from slipway.ports.sign_on import DeviceSignIn, SignOn
from slipway.settings import Settings


def connect(settings: Settings) -> SignOn:
    """Opens no connection: the provider is asked when it is needed.

    Raises:
        SettingsError: the client's secret is missing.
    """
    account = accounts.routers_account(settings)
    return sign_on(address(settings), account.client, account.secret)


def sign_on(where: Address, client: str, secret: str, *, clock: Clock = time.monotonic) -> SignOn:
    """`clock` is what the ages of keys and metadata are measured by."""
    http = BoundedHttp()
    provider = Provider(where, http, clock)
    return SignOn(
        where.issuer,
        OidcCodeFlow(provider, client, secret),
        OidcTokenVerifier(provider, client),
        partial(_device_sign_in, provider),
        http.close,
    )


def _device_sign_in(provider: Provider) -> DeviceSignIn:
    found = provider.metadata()
    return DeviceSignIn(
        issuer=provider.issuer,
        client=accounts.COMMAND_LINE,
        device_authorization_endpoint=_as_seen_outside(provider.address, found.device_authorization_endpoint),
        token_endpoint=_as_seen_outside(provider.address, found.token_endpoint),
        revocation_endpoint=_as_seen_outside(provider.address, found.revocation_endpoint),
    )


def _as_seen_outside(where: Address, endpoint: str) -> str:
    """Keycloak names the endpoints of programs by the address at which it was asked, which may be this host's alone."""
    below = f"{where.url}/"
    return f"{where.issuer}/{endpoint.removeprefix(below)}" if endpoint.startswith(below) else endpoint


def address(settings: Settings) -> Address:
    """Keycloak names itself by the URL that browsers use."""
    outside = (settings.keycloak_hostname if settings.keycloak == "local" else "") or settings.keycloak_url
    path = f"/realms/{settings.keycloak_realm}"
    return Address(issuer=outside.rstrip("/") + path, url=settings.keycloak_url + path)
