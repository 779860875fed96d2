"""One Keycloak for the session; a realm that is set up, and comes back to that after each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from slipway.core.identity.wanted_realm import TenantGroup
from tests.fixtures.keycloak import KeycloakServer, running_keycloak

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
