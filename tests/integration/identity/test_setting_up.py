"""A realm set up anew, and again: the second time changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.core.identity.wanted_realm import TenantGroup
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.integration.identity.conftest import TENANTS

ROOT = Path(__file__).parents[3]
_KILLED = """
import os, signal, sys
from slipway.adapters.keycloak import accounts, provider
from slipway.adapters.keycloak.admin import Admin
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.settings import load

left = [int(sys.argv[1])]
post = Admin.post

def counted(self, path, document):
    made = post(self, path, document)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return made

Admin.post = counted
settings = load()
keycloak = provider.Keycloak(settings, accounts.hosts_account(settings), 120)
keycloak.sync([TenantGroup("acme", "1.100"), TenantGroup("umbrella", "2.200")], dry_run=False)
"""


def test_a_dry_run_shows_what_is_missing_and_makes_nothing(server: KeycloakServer) -> None:
    new = server.of_realm("not-yet")
    for _ in range(2):
        assert [each.sentence for each in new.provider.sync(TENANTS, dry_run=True)] == ["realm not-yet: missing"]
    assert "not-yet" not in [realm["realm"] for realm in server.administrate("GET", "?briefRepresentation=true")]


def test_a_second_run_changes_nothing(keycloak: KeycloakServer, as_set_up: Any) -> None:
    assert keycloak.provider.sync(TENANTS, dry_run=False) == []
    assert keycloak.export() == as_set_up


def test_the_routers_own_account_can_do_it_too(keycloak: KeycloakServer, as_set_up: Any) -> None:
    assert keycloak.as_router().sync([*TENANTS, TenantGroup("initech", "3.300")], dry_run=False) != []
    assert [group["name"] for group in _groups(keycloak)] == ["acme", "initech", "umbrella"]
    keycloak.administrate("DELETE", f"/slipway/groups/{_group(keycloak, 'initech')['id']}")
    assert keycloak.export() == as_set_up


def test_the_groups_of_a_tenant_that_is_gone_stay(keycloak: KeycloakServer, as_set_up: Any) -> None:
    assert keycloak.provider.sync(TENANTS[:1], dry_run=False) == []
    assert keycloak.export() == as_set_up


def test_another_tenant_of_the_same_name_does_not_get_its_members(keycloak: KeycloakServer, as_set_up: Any) -> None:
    (found,) = keycloak.provider.sync([TenantGroup("acme", "7.700"), TENANTS[1]], dry_run=False)
    assert "its members were given to another tenant of that name" in found.sentence
    assert keycloak.export() == as_set_up


@pytest.mark.parametrize("after", [1, 2, 6], ids=["the realm", "a tenant's group", "a group of the second tenant"])
def test_a_run_that_is_killed_is_finished_by_the_next(server: KeycloakServer, as_set_up: Any, after: int) -> None:
    realm = f"killed-{after}"
    new = server.of_realm(realm)
    environment = {**os.environ, **server.environment, "SLIPWAY_KEYCLOAK_REALM": realm}
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(after)], env=environment, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert new.provider.sync(TENANTS, dry_run=False) != []
    assert new.provider.sync(TENANTS, dry_run=False) == []
    assert _named(new.export(), realm) == as_set_up
    server.administrate("DELETE", f"/{realm}")


def _named(export: Any, realm: str) -> Any:
    """The export as if it were of the realm `slipway`."""
    if isinstance(export, dict):
        return {_named(key, realm): _named(value, realm) for key, value in export.items()}
    if isinstance(export, list):
        return [_named(each, realm) for each in export]
    return export.replace(realm, "slipway") if isinstance(export, str) else export


def _groups(keycloak: KeycloakServer) -> list[Any]:
    top = next(each for each in keycloak.administrate("GET", "/slipway/groups") if each["name"] == "tenants")
    return list(keycloak.administrate("GET", f"/slipway/groups/{top['id']}/children"))


def _group(keycloak: KeycloakServer, name: str) -> Any:
    return next(each for each in _groups(keycloak) if each["name"] == name)
