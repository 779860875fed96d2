"""Keycloak stopped, slow, or of another mind about a secret: a clear error, and the platform says degraded."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router.app import create_app
from router.documents import SystemStatus
from slipway.adapters.keycloak import accounts
from slipway.adapters.keycloak.provider import Keycloak
from slipway.core.access.roles import Role
from slipway.errors import DependencyUnavailable, IdentityRefused
from tests.fixtures.api import Api, make_services
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.ports import free_port
from tests.integration.identity.conftest import TENANTS


@pytest.fixture
def paused(keycloak: KeycloakServer) -> Iterator[KeycloakServer]:
    """It accepts connections, and answers nothing."""
    keycloak.signal(signal.SIGSTOP)
    try:
        yield keycloak
    finally:
        keycloak.signal(signal.SIGCONT)


def _stopped(keycloak: KeycloakServer) -> Keycloak:
    settings = replace(keycloak.settings, keycloak_listen=f"127.0.0.1:{free_port()}")
    return Keycloak(settings, accounts.routers_account(settings))


def test_a_stopped_one_is_named(keycloak: KeycloakServer) -> None:
    stopped = _stopped(keycloak)
    for call in (stopped.check, lambda: stopped.sync(TENANTS, dry_run=True)):
        with pytest.raises(DependencyUnavailable, match=r"Keycloak does not answer at http://127\.0\.0\.1:"):
            call()


def test_a_slow_one_is_not_waited_for(paused: KeycloakServer) -> None:
    slow = Keycloak(paused.settings, accounts.routers_account(paused.settings), 1)
    for call in (slow.check, lambda: slow.sync(TENANTS, dry_run=True)):
        with pytest.raises(DependencyUnavailable, match="Keycloak does not answer"):
            call()


def test_a_wrong_secret_names_the_client_and_its_file(keycloak: KeycloakServer) -> None:
    account = replace(accounts.hosts_account(keycloak.settings), secret="not-it")
    with pytest.raises(IdentityRefused, match="does not accept the client slipway-admin of the realm master") as error:
        Keycloak(keycloak.settings, account, 60).sync(TENANTS, dry_run=False)
    assert "keycloak-admin.secret" in error.value.remedy
    assert "not-it" not in f"{error.value.message}{error.value.remedy}{account}"


def test_an_account_without_the_roles_is_refused(keycloak: KeycloakServer) -> None:
    made = {"clientId": "weak", "publicClient": False, "secret": "weak-secret", "serviceAccountsEnabled": True}
    weak = keycloak.administrate("POST", "/slipway/clients", made)
    account = accounts.Account("slipway", "weak", "weak-secret", "a file")
    with pytest.raises(IdentityRefused, match="does not let the client weak do this"):
        Keycloak(keycloak.settings, account, 60).sync(TENANTS, dry_run=False)
    keycloak.administrate("DELETE", f"/slipway/clients/{weak}")


def test_a_realm_that_is_not_there_says_what_to_do(keycloak: KeycloakServer) -> None:
    with pytest.raises(DependencyUnavailable, match="answers 404 for the realm elsewhere") as error:
        keycloak.of_realm("elsewhere").provider.check()
    assert error.value.remedy == "slipway identity sync"


def test_the_platforms_health_tells(keycloak: KeycloakServer, tmp_path: Path, sqlite_url: str, redis_url: str) -> None:
    services = make_services(tmp_path, sqlite_url, redis_url)
    for tenant, identity, ok in (("acme", keycloak.provider, True), ("umbrella", _stopped(keycloak), False)):
        with_it = replace(services, identity=identity)
        viewer = Api(with_it, create_app(with_it).test_client()).caller(tenant, Role.VIEWER)
        system = viewer.get("/api/services/system")
        assert system["identity"]["ok"] is ok, system
    assert system["status"] == SystemStatus.DEGRADED
