"""The demo's own user signs in with the password that the demo prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.core.identity.wanted_realm import TenantGroup
from slipway.demo.person import ensure_person
from slipway.demo.walk import TENANT
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser, verifier_and_challenge
from tests.integration.identity.test_tokens import CALLBACK


@pytest.fixture(scope="module")
def of_the_demo(server: KeycloakServer) -> KeycloakServer:
    """A realm of its own, in which the demo's tenant has its groups."""
    found = server.of_realm("demo")
    found.provider.sync([TenantGroup(TENANT, "1.100")], dry_run=False)
    return found


def signs_in(keycloak: KeycloakServer, login: str, password: str) -> bool:
    """Whether the browser is sent back at once, with nothing else asked of the person."""
    pkce = {"code_challenge": verifier_and_challenge()[1], "code_challenge_method": "S256"}
    with Browser(f"{keycloak.url}/realms/demo") as browser:
        page = browser.authorize("slipway-router", CALLBACK, **pkce)
        answer = browser.submit(page, username=login, password=password)
    return answer.is_redirect and "code=" in answer.headers["Location"]


def test_it_is_an_owner_of_the_demos_tenant_and_keeps_its_password(of_the_demo: KeycloakServer, tmp_path: Path) -> None:
    login, password = ensure_person(of_the_demo.settings, tmp_path)

    assert signs_in(of_the_demo, login, password)
    assert ensure_person(of_the_demo.settings, tmp_path) == (login, password)
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
    (user,) = of_the_demo.administrate("GET", f"/demo/users?username={login}&exact=true")
    groups = of_the_demo.administrate("GET", f"/demo/users/{user['id']}/groups")
    assert [group["path"] for group in groups] == [f"/tenants/{TENANT}/owner"]


def test_a_password_that_was_lost_is_replaced(of_the_demo: KeycloakServer, tmp_path: Path) -> None:
    login, before = ensure_person(of_the_demo.settings, tmp_path)
    (tmp_path / "password").unlink()

    _, password = ensure_person(of_the_demo.settings, tmp_path)

    assert signs_in(of_the_demo, login, password)
    assert not signs_in(of_the_demo, login, before)
