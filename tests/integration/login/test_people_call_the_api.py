"""A person's session calls the API, from the console's own pages alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from slipway.core.access.roles import Role
from tests.fixtures.api import REPOSITORY
from tests.integration.login.rig import Browser, Console, client_of

OWN = {"Origin": "http://slipway.localhost:8080"}
SEVERAL = ["/tenants/acme/owner", "/tenants/umbrella/viewer"]
ACCOUNT = {"kind": "person", "name": "ada", "tenant": "acme", "role": "owner", "token": "ada"}
CONSOLE = "http://slipway.localhost:8080"
ELSEWHERE: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"{CONSOLE}.evil.example"},
    {"Origin": "https://slipway.localhost:8080"},
    {"Origin": "http://hello.localhost:8080", "Sec-Fetch-Site": "same-site"},
    {"Origin": CONSOLE, "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Referer": f"{CONSOLE}/"},
)
"""What comes with requests that no page of the console sent: forms elsewhere, an app of a tenant, a client that says
nothing, and a browser whose word on the site goes before the origin."""
BY_SIGNATURE = {"/auth/backchannel-logout", "/api/publish/token"}
"""The identity provider and CI jobs send them, without a cookie; what they carry is signed."""


@pytest.fixture(autouse=True)
def tenants(console: Console) -> None:
    console.api.tenant_id("acme")
    console.api.tenant_id("umbrella")


def test_a_person_acts_in_their_tenant_with_their_role(console: Console, browser: Browser) -> None:
    browser.sign_in()
    assert browser.get("/api/account").json == ACCOUNT
    console.provider.add_person("ada", groups=["/tenants/acme/viewer"])
    console.sign_on.changes.person_changed("sub-of-ada")
    assert (browser.get("/api/account").json or {})["role"] == "viewer"


def state_changing_routes(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            yield method, re.sub(r"<[^>]+>", "1", rule.rule)


def test_no_other_site_changes_anything_with_a_persons_cookie(console: Console, browser: Browser) -> None:
    console.provider.add_person("ada", realm_access={"roles": ["platform-admin"]})
    browser.sign_in()
    tried = 0
    for method, path in state_changing_routes(console.api.client.application):
        if path in BY_SIGNATURE:
            continue
        for headers in ELSEWHERE:
            answer = browser.ask(method, path, **headers)
            assert answer.status_code == 403, (method, path, answer.text)
            assert "cross-site-request" in answer.text or "did not come from a page of this site" in answer.text
        tried += 1
    assert tried > 20
    assert browser.is_signed_in()
    assert ("nobody", "session.refuse", "the API") in console.audit()


def test_the_consoles_own_pages_change_things(browser: Browser) -> None:
    browser.sign_in()
    body = {"name": "hello", "repository": REPOSITORY}
    made = browser.console.api.client.post(
        "/api/apps", json=body, headers={"Cookie": f"slipway-session={browser.session}", **OWN}
    )
    assert made.status_code == 201, made.text


def test_reading_needs_no_page_of_ours(browser: Browser) -> None:
    browser.sign_in()
    assert browser.get("/api/apps", Sec_Fetch_Site="cross-site").status_code == 200


def test_a_token_counts_and_not_the_cookie_beside_it(console: Console, browser: Browser) -> None:
    browser.sign_in()
    token = console.api.caller("umbrella", Role.VIEWER).token
    found = browser.get("/api/account", Authorization=f"Bearer {token}").json
    assert (found["kind"], found["tenant"], found["name"]) == ("token", "umbrella", "umbrella-viewer")
    assert browser.get("/api/account", Authorization="Bearer slw_unknown").status_code == 401
    refused = browser.ask("DELETE", "/api/apps/hello", Authorization=f"Bearer {token}")
    assert "cross-site-request" not in refused.text, "a page can't add it"


def test_a_session_that_is_over_is_refused_with_what_to_do(console: Console, browser: Browser) -> None:
    browser.sign_in()
    console.sign_on.sessions.end(browser.session)
    refused = browser.get("/api/account").json
    assert refused is not None
    assert (refused["code"], refused["status"]) == ("not-authenticated", 401)
    assert "/auth/login" in refused["remedy"]


def test_a_person_of_several_tenants_names_one(console: Console, browser: Browser) -> None:
    console.provider.add_person("ada", groups=[*SEVERAL, "/tenants/gone/owner"])
    browser.sign_in()
    refused = browser.get("/api/account").json
    assert refused is not None
    assert (refused["code"], "acme, umbrella" in refused["detail"]) == ("not-allowed", True)
    named = browser.get("/api/account", X_Slipway_Tenant="umbrella").json
    assert named == ACCOUNT | {"tenant": "umbrella", "role": "viewer"}
    for other in ("gone", "globex", "acme/../umbrella"):
        assert browser.get("/api/account", X_Slipway_Tenant=other).status_code == 403


def test_the_tenant_that_was_chosen_counts_until_another_is(console: Console, browser: Browser) -> None:
    console.provider.add_person("ada", groups=SEVERAL)
    browser.sign_in()
    chosen = browser.post("/auth/tenant", tenant="umbrella").json
    assert chosen is not None
    assert [(each["name"], each["chosen"]) for each in chosen["tenants"]] == [("acme", False), ("umbrella", True)]
    assert (browser.get("/api/account").json or {})["tenant"] == "umbrella"
    assert browser.post("/auth/tenant", tenant="globex").status_code == 403
    assert browser.post("/auth/tenant").status_code == 422
    console.provider.add_person("ada", groups=["/tenants/acme/owner"])
    console.sign_on.changes.person_changed("sub-of-ada")
    assert (browser.get("/api/account").json or {})["tenant"] == "acme"


def test_a_person_of_no_tenant_is_refused_unless_they_run_the_platform(console: Console, browser: Browser) -> None:
    console.provider.add_person("ada", groups=["/staff"])
    browser.sign_in()
    assert (browser.get("/api/account").json or {})["code"] == "not-allowed"
    console.provider.add_person("ada", realm_access={"roles": ["platform-admin"]})
    browser.sign_in()
    assert browser.get("/api/apps").json == {"apps": []}
    assert browser.ask("POST", "/api/apps", **OWN).status_code in (403, 422)


def test_where_sign_on_is_off_the_cookie_is_nothing_and_the_pages_say_so(console: Console, browser: Browser) -> None:
    browser.sign_in()
    off = replace(console.services, sign_on=None)
    client = client_of(off)
    given = {"Cookie": f"slipway-session={browser.session}"}
    assert client.get("/api/account", headers=given).status_code == 401
    for path in ("/auth/login", "/auth/callback?state=x&code=y", "/auth/apps/x", "/auth/signed-out"):
        page = client.get(path, headers=given)
        assert (page.status_code, "Sign-on is off" in page.text) == (503, True)
    assert client.post("/auth/backchannel-logout").status_code == 400
    assert "/auth/" not in client.get("/", headers=given).text


def test_the_console_learns_who_is_signed_in_and_until_when(console: Console, browser: Browser) -> None:
    nobody = browser.get("/auth/session")
    assert (nobody.status_code, (nobody.json or {})["code"]) == (401, "not-authenticated")
    browser.sign_in()
    shown = browser.get("/auth/session").json
    assert shown is not None
    session = console.sign_on.sessions.read(browser.session)
    assert session is not None
    assert shown["expires_at"] == int(session.created_at + console.services.settings.session_lifetime_s)
    assert shown["tenants"] == [{"name": "acme", "role": "owner", "chosen": True}]
    assert shown["platform_admin"] is False
    assert session.id not in str(shown)
