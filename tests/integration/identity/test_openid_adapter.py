"""The OpenID adapter at a real Keycloak: what it sends is accepted there, and what it reads is what Keycloak writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from slipway.adapters.keycloak import accounts
from slipway.adapters.oidc.connecting import connect
from slipway.core.access.roles import Role
from slipway.core.identity.authorization_response import parse
from slipway.core.identity.claims import memberships
from slipway.errors import NotAuthenticated
from slipway.ports.sign_on import SignedIn, SignOn
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser

CALLBACK = "http://slipway.localhost:8080/auth/callback"
SIGNED_OUT = "http://slipway.localhost:8080/auth/signed-out"
PASSWORD = "correct horse battery staple"
GROUPS = ["/tenants/acme/developer", "/tenants/umbrella/viewer"]


@pytest.fixture
def grace(keycloak: KeycloakServer) -> Iterator[str]:
    person = {
        "username": "grace",
        "email": "grace@example.org",
        "emailVerified": True,
        "enabled": True,
        "firstName": "Grace",
        "lastName": "Hopper",
        "groups": GROUPS,
        "credentials": [{"type": "password", "value": PASSWORD}],
    }
    made: str = keycloak.administrate("POST", "/slipway/users", person)
    yield made
    keycloak.administrate("DELETE", f"/slipway/users/{made}")


@pytest.fixture
def sign_on(keycloak: KeycloakServer) -> Iterator[SignOn]:
    made = connect(keycloak.settings)
    yield made
    made.close()


@pytest.fixture
def browser(keycloak: KeycloakServer) -> Iterator[Browser]:
    with Browser(f"{keycloak.url}/realms/slipway") as found:
        yield found


def _sign_in(sign_on: SignOn, browser: Browser) -> SignedIn:
    secrets = sign_on.flow.new_secrets()
    page = browser.client.get(sign_on.flow.authorization_url("state-1", secrets, CALLBACK))
    answer = page if page.is_redirect else browser.submit(page, username="grace", password=PASSWORD)
    response = parse(urlsplit(answer.headers["Location"]).query)
    assert response.state == "state-1"
    assert response.issuer == sign_on.issuer
    return sign_on.flow.finish(response, secrets, CALLBACK)


def test_a_person_signs_in_and_is_read_as_keycloak_has_them(sign_on: SignOn, browser: Browser, grace: str) -> None:
    signed_in = _sign_in(sign_on, browser)
    person = signed_in.person
    assert (person.sub, person.login, person.name) == (grace, "grace", "Grace Hopper")
    assert person.verified_email == "grace@example.org"
    assert memberships(person.groups) == {"acme": Role.DEVELOPER, "umbrella": Role.VIEWER}
    assert person.sid
    assert not person.is_platform_admin
    token = sign_on.verifier.access_token(signed_in.tokens.access_token)
    assert token.person == person
    assert token.client == accounts.ROUTER


def test_no_kind_of_keycloaks_tokens_is_taken_for_another(sign_on: SignOn, browser: Browser, grace: str) -> None:
    tokens = _sign_in(sign_on, browser).tokens
    for token in (tokens.id_token, tokens.refresh_token):
        with pytest.raises(NotAuthenticated):
            sign_on.verifier.access_token(token)
    for token in (tokens.access_token, tokens.id_token, tokens.refresh_token):
        with pytest.raises(NotAuthenticated):
            sign_on.verifier.logout_token(token)


def test_a_service_accounts_token_names_no_person(keycloak: KeycloakServer, sign_on: SignOn) -> None:
    account = accounts.routers_account(keycloak.settings)
    form = {"grant_type": "client_credentials", "client_id": account.client, "client_secret": account.secret}
    answer = httpx.post(f"{sign_on.issuer}/protocol/openid-connect/token", data=form, timeout=120).json()
    token = sign_on.verifier.access_token(answer["access_token"])
    assert (token.person, token.client) == (None, accounts.ROUTER)


def test_another_realms_token_is_refused(keycloak: KeycloakServer, sign_on: SignOn) -> None:
    account = accounts.hosts_account(keycloak.settings)
    form = {"grant_type": "client_credentials", "client_id": account.client, "client_secret": account.secret}
    answer = httpx.post(f"{keycloak.url}/realms/master/protocol/openid-connect/token", data=form, timeout=120).json()
    with pytest.raises(NotAuthenticated, match="does not have"):
        sign_on.verifier.access_token(answer["access_token"])


def test_a_refresh_brings_what_an_administrator_changed(
    keycloak: KeycloakServer, sign_on: SignOn, browser: Browser, grace: str
) -> None:
    before = _sign_in(sign_on, browser)
    group = keycloak.administrate("GET", "/slipway/group-by-path/tenants/acme/developer")["id"]
    keycloak.administrate("DELETE", f"/slipway/users/{grace}/groups/{group}")
    after = sign_on.flow.refresh(before.tokens.refresh_token, grace)
    assert memberships(after.person.groups) == {"umbrella": Role.VIEWER}
    assert after.person.sid == before.person.sid
    with pytest.raises(NotAuthenticated, match="has ended"):
        sign_on.flow.refresh(before.tokens.refresh_token, grace)


@pytest.mark.parametrize("what", ["the person is disabled", "the session is ended"])
def test_an_administrator_ends_it(
    keycloak: KeycloakServer, sign_on: SignOn, browser: Browser, grace: str, what: str
) -> None:
    signed_in = _sign_in(sign_on, browser)
    changes: dict[str, Any] = {
        "the person is disabled": ("PUT", f"/slipway/users/{grace}", {"enabled": False}),
        "the session is ended": ("DELETE", f"/slipway/sessions/{signed_in.person.sid}"),
    }
    keycloak.administrate(*changes[what])
    with pytest.raises(NotAuthenticated, match="has ended"):
        sign_on.flow.refresh(signed_in.tokens.refresh_token, grace)


def test_a_code_is_good_once(sign_on: SignOn, browser: Browser, grace: str) -> None:
    secrets = sign_on.flow.new_secrets()
    page = browser.client.get(sign_on.flow.authorization_url("state-1", secrets, CALLBACK))
    answer = browser.submit(page, username="grace", password=PASSWORD)
    response = parse(urlsplit(answer.headers["Location"]).query)
    sign_on.flow.finish(response, secrets, CALLBACK)
    with pytest.raises(NotAuthenticated, match="was used already"):
        sign_on.flow.finish(response, secrets, CALLBACK)


def test_signing_out_ends_the_session_at_keycloak(sign_on: SignOn, browser: Browser, grace: str) -> None:
    signed_in = _sign_in(sign_on, browser)
    again = _sign_in(sign_on, browser)
    assert again.person.sid == signed_in.person.sid, "the second time Keycloak asks for no password"
    answer = browser.follow(browser.client.get(sign_on.flow.sign_out_url(again.tokens.id_token, SIGNED_OUT, "s-1")))
    assert answer.headers["Location"] == f"{SIGNED_OUT}?state=s-1"
    page = browser.client.get(sign_on.flow.authorization_url("state-2", sign_on.flow.new_secrets(), CALLBACK))
    assert "kc-form-login" in page.text
    with pytest.raises(NotAuthenticated, match="has ended"):
        sign_on.flow.refresh(again.tokens.refresh_token, grace)
