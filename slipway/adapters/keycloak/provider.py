"""Keycloak as Slipway's identity provider."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import httpx

from slipway.adapters.keycloak.accounts import ROUTER_SECRET, Account, secret
from slipway.adapters.keycloak.admin import TIMEOUT_S, Admin
from slipway.adapters.keycloak.event_feed import KeycloakEvents
from slipway.adapters.keycloak.people import KeycloakPeople
from slipway.adapters.keycloak.realm_sync import RealmSync
from slipway.core.identity.differences import Difference
from slipway.core.identity.wanted_realm import TenantGroup, WantedRealm, filled
from slipway.errors import DependencyUnavailable
from slipway.settings import Settings

CHECK_TIMEOUT_S = 2.0
SETUP_TIMEOUT_S = 120
"""Of a call of the host's own set-up: Keycloak makes a realm with all its keys in one."""
_EXPORT = Path(__file__).resolve().parents[3] / "keycloak" / "realm" / "slipway.json"


class Keycloak:
    """`slipway.ports.identity.IdentityProvider`."""

    def __init__(self, settings: Settings, account: Account, timeout_s: int = TIMEOUT_S) -> None:
        self._settings = settings
        self._account = account
        self._timeout_s = timeout_s

    def check(self) -> None:
        where = f"{self._settings.keycloak_url}/realms/{self._settings.keycloak_realm}"
        try:
            answer = httpx.get(f"{where}/.well-known/openid-configuration", timeout=CHECK_TIMEOUT_S)
        except httpx.HTTPError as error:
            raise DependencyUnavailable(
                f"Keycloak does not answer at {self._settings.keycloak_url}: {type(error).__name__}.",
                remedy="see whether it runs: make status",
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise DependencyUnavailable(
                f"Keycloak answers {answer.status_code} for the realm {self._settings.keycloak_realm}.",
                remedy="slipway identity sync",
            )

    @property
    def people(self) -> KeycloakPeople:
        return KeycloakPeople(self._connect, self._settings.keycloak_realm)

    def follow(self) -> KeycloakEvents:
        return KeycloakEvents(self._connect, self._settings.keycloak_realm)

    def sync(self, tenants: Iterable[TenantGroup], *, dry_run: bool) -> list[Difference]:
        with self._connect() as admin:
            return RealmSync(admin, wanted_realm(self._settings), dry_run=dry_run).run(tenants)

    def _connect(self) -> Admin:
        return Admin(self._settings.keycloak_url, self._account, self._timeout_s)


def wanted_realm(settings: Settings) -> WantedRealm:
    """The export in `keycloak/realm/`, as this installation needs it."""
    values = {"PUBLIC_URL": settings.public_url.rstrip("/"), "ROUTER_SECRET": secret(settings, ROUTER_SECRET)}
    document = filled(json.loads(_EXPORT.read_text()), values)
    return WantedRealm({**document, "realm": settings.keycloak_realm})
