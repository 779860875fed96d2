"""One Keycloak for the session; a realm that is set up, and comes back to that after each test; another one whose
people come and go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from slipway.core.identity.wanted_realm import TenantGroup
from tests.fixtures.identity.keycloak import KeycloakServer, running_keycloak

TENANTS = [TenantGroup("acme", "1.100"), TenantGroup("umbrella", "2.200")]


@pytest.fixture(scope="session")
def server() -> Iterator[KeycloakServer]:
    with running_keycloak() as found:
        yield found


@pytest.fixture(scope="session")
def as_set_up(server: KeycloakServer) -> Any:
    """The realm's export after its first set-up."""
    server.provider.sync(TENANTS, dry_run=False)
    return server.export()


@pytest.fixture
def keycloak(server: KeycloakServer, as_set_up: Any) -> KeycloakServer:
    """A Keycloak whose realm is set up."""
    return server


@pytest.fixture(scope="session")
def peoples_realm(server: KeycloakServer) -> KeycloakServer:
    """The same Keycloak with a realm of its own for tests that fill it with people."""
    found = server.of_realm("people")
    found.provider.sync(TENANTS, dry_run=False)
    return found


@pytest.fixture
def inhabited(peoples_realm: KeycloakServer) -> Iterator[KeycloakServer]:
    """That one; its people are gone afterwards."""
    yield peoples_realm
    peoples_realm.remove_people()
