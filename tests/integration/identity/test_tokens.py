"""People sign in for real, and their tokens say what Slipway relies on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from slipway.adapters.keycloak import accounts
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser, claims, code_of, verifier_and_challenge
from tests.fixtures.waiting import eventually

CALLBACK = "http://slipway.localhost:8080/auth/callback"
PASSWORD = "correct horse battery staple"
SAID = {
    *("iss", "sub", "aud", "exp", "iat", "typ", "azp", "sid", "acr", "scope"),
    *("preferred_username", "email", "email_verified", "name", "groups"),
}


@pytest.fixture(scope="module")
def ada(server: KeycloakServer, as_set_up: Any) -> Iterator[str]:
    """A developer of acme, and a viewer of umbrella."""
    person = {
        "username": "ada",
        "email": "ada@example.org",
        "emailVerified": True,
        "enabled": True,
        "firstName": "Ada",
        "lastName": "Lovelace",
        "groups": ["/tenants/acme/developer", "/tenants/umbrella/viewer"],
        "credentials": [{"type": "password", "value": PASSWORD}],
    }
    made: str = server.administrate("POST", "/slipway/users", person)
    yield made
    server.administrate("DELETE", f"/slipway/users/{made}")


@pytest.fixture
def browser(keycloak: KeycloakServer) -> Iterator[Browser]:
    with Browser(f"{keycloak.url}/realms/slipway") as found:
        yield found


def _token(keycloak: KeycloakServer, **form: str) -> httpx.Response:
    return httpx.post(f"{keycloak.url}/realms/slipway/protocol/openid-connect/token", data=form, timeout=120)


def _as_router(keycloak: KeycloakServer) -> dict[str, str]:
    account = accounts.routers_account(keycloak.settings)
    return {"client_id": account.client, "client_secret": account.secret}


def _signed_in(keycloak: KeycloakServer, browser: Browser) -> dict[str, Any]:
    verifier, challenge = verifier_and_challenge()
    page = browser.authorize(
        "slipway-router", CALLBACK, code_challenge=challenge, code_challenge_method="S256", nonce="n-1"
    )
    redirect = browser.submit(page, username="ada", password=PASSWORD)
    exchange = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": verifier}
    answer = _token(keycloak, code=code_of(redirect), **exchange, **_as_router(keycloak))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _says_what_it_should(token: dict[str, Any], person: str, keycloak: KeycloakServer) -> None:
    assert token.keys() >= SAID
    assert token["iss"] == f"{keycloak.url}/realms/slipway"
    assert (token["sub"], token["typ"], token["aud"]) == (person, "Bearer", "slipway-api")
    assert (token["preferred_username"], token["email"], token["email_verified"]) == ("ada", "ada@example.org", True)
    assert sorted(token["groups"]) == ["/tenants/acme/developer", "/tenants/umbrella/viewer"]
    assert token["exp"] - token["iat"] == 300
    assert "resource_access" not in token


def test_a_code_sign_in_gives_tokens_for_the_api(keycloak: KeycloakServer, ada: str, browser: Browser) -> None:
    tokens = _signed_in(keycloak, browser)
    access = claims(tokens["access_token"])
    _says_what_it_should(access, ada, keycloak)
    assert "realm_access" not in access
    identity = claims(tokens["id_token"])
    assert (identity["aud"], identity["nonce"], identity["sid"]) == ("slipway-router", "n-1", access["sid"])
    assert sorted(identity["groups"]) == sorted(access["groups"])


def test_a_platform_admin_is_one_in_the_token(keycloak: KeycloakServer, ada: str, browser: Browser) -> None:
    role = keycloak.administrate("GET", "/slipway/roles/platform-admin")
    path = f"/slipway/users/{ada}/role-mappings/realm"
    keycloak.administrate("POST", path, [role])
    access = claims(_signed_in(keycloak, browser)["access_token"])
    assert access["realm_access"]["roles"] == ["platform-admin"]
    keycloak.administrate("DELETE", path, [role])


def test_an_administrators_token_is_no_key_to_keycloak(keycloak: KeycloakServer, ada: str, browser: Browser) -> None:
    management = keycloak.administrate("GET", "/slipway/clients?clientId=realm-management")[0]["id"]
    role = keycloak.administrate("GET", f"/slipway/clients/{management}/roles/view-users")
    path = f"/slipway/users/{ada}/role-mappings/clients/{management}"
    keycloak.administrate("POST", path, [role])
    token = _signed_in(keycloak, browser)["access_token"]
    refused = httpx.get(
        f"{keycloak.url}/admin/realms/slipway/users", headers={"Authorization": f"Bearer {token}"}, timeout=120
    )
    assert refused.status_code in (401, 403)
    keycloak.administrate("DELETE", path, [role])


def test_a_refresh_token_is_good_once(keycloak: KeycloakServer, ada: str, browser: Browser) -> None:
    first = _signed_in(keycloak, browser)["refresh_token"]
    refresh = {"grant_type": "refresh_token", "refresh_token": first, **_as_router(keycloak)}
    assert _token(keycloak, **refresh).status_code == 200
    again = _token(keycloak, **refresh)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("redirect_uri", "pkce", "why"),
    [
        (CALLBACK, {}, "code_challenge_method"),
        (CALLBACK, {"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "code+challenge+method"),
        (f"{CALLBACK}/more", {"code_challenge": "x" * 43, "code_challenge_method": "S256"}, "redirect_uri"),
        ("https://evil.example/", {"code_challenge": "x" * 43, "code_challenge_method": "S256"}, "redirect_uri"),
    ],
    ids=["no PKCE", "plain PKCE", "a longer redirect URI", "another redirect URI"],
)
def test_another_way_in_is_refused(browser: Browser, redirect_uri: str, pkce: dict[str, str], why: str) -> None:
    answer = browser.authorize("slipway-router", redirect_uri, **pkce)
    assert why in f"{answer.headers.get('Location', '')}{answer.text}"
    assert "kc-form-login" not in answer.text
    assert "code=" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("client", ["slipway-router", "slipway-cli"])
def test_no_client_takes_passwords(keycloak: KeycloakServer, ada: str, client: str) -> None:
    secret = _as_router(keycloak)["client_secret"] if client == "slipway-router" else ""
    form = {"client_id": client, "client_secret": secret, "username": "ada", "password": PASSWORD}
    assert _token(keycloak, grant_type="password", **form).json()["error"] == "unauthorized_client"


def test_a_device_sign_in_gives_tokens_for_the_api(keycloak: KeycloakServer, ada: str, browser: Browser) -> None:
    verifier, challenge = verifier_and_challenge()
    device = httpx.post(
        f"{browser.realm_url}/protocol/openid-connect/auth/device",
        data={"client_id": "slipway-cli", "code_challenge": challenge, "code_challenge_method": "S256"},
        timeout=120,
    ).json()
    page = browser.follow(browser.client.get(device["verification_uri_complete"]))
    asked = browser.submit(page, username="ada", password=PASSWORD)
    browser.submit(asked, accept="Yes")
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    exchange = {"client_id": "slipway-cli", "device_code": device["device_code"], "code_verifier": verifier}
    answer = _token(keycloak, grant_type=grant, **exchange)
    assert answer.status_code == 200, answer.text
    _says_what_it_should(claims(answer.json()["access_token"]), ada, keycloak)


def test_too_many_wrong_passwords_lock_the_account_for_a_while(keycloak: KeycloakServer, browser: Browser) -> None:
    made = keycloak.administrate(
        "POST",
        "/slipway/users",
        {"username": "eve", "enabled": True, "credentials": [{"type": "password", "value": PASSWORD}]},
    )
    _, challenge = verifier_and_challenge()
    page = browser.authorize("slipway-router", CALLBACK, code_challenge=challenge, code_challenge_method="S256")
    state = f"/slipway/attack-detection/brute-force/users/{made}"
    for _ in range(10):
        page = browser.submit(page, username="eve", password="wrong")
    eventually(lambda: keycloak.administrate("GET", state)["disabled"], every_s=0.5, what="eve is locked out")
    keycloak.administrate("DELETE", f"/slipway/users/{made}")


def test_saml_and_impersonation_are_not_there(keycloak: KeycloakServer, ada: str) -> None:
    assert httpx.get(f"{keycloak.url}/realms/slipway/protocol/saml", timeout=120).status_code == 404
    with pytest.raises(AssertionError, match=r": (403|404|501) "):
        keycloak.administrate("POST", f"/slipway/users/{ada}/impersonation")
