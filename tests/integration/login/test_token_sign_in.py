"""Signing in at the console where sign-on is off: with a token, or by a link that is good once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from router.app import create_app
from slipway.core.access.roles import Role
from slipway.core.access.tokens import hashed
from slipway.models import AuditRecord, Token, now
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.console import OWN_PAGE
from tests.fixtures.identity.sign_on import cookies_of, nowhere, with_sign_on
from tests.integration.router.conftest import state_dir

__all__ = ["state_dir"]
NAME = "slipway-session"


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Api]:
    """Its client sends the cookies that a test names, and no others."""
    services = make_services(state_dir, sqlite_url, redis_url)
    yield Api(services, create_app(services).test_client(use_cookies=False))
    services.db.dispose()
    services.redis.close()


@pytest.fixture
def developer(api: Api) -> Iterator[Caller]:
    return api.caller("acme", Role.DEVELOPER)  # type: ignore[return-value]


def send(api: Api, path: str, cookie: str = "", headers: dict[str, str] | None = None, **fields: str) -> TestResponse:
    given = dict(OWN_PAGE if headers is None else headers) | ({"Cookie": cookie} if cookie else {})
    return api.client.post(path, data=fields, headers=given)


def signed_in(api: Api, token: str) -> str:
    """The cookie of a new session."""
    answer = send(api, "/auth/token", token=token)
    assert answer.status_code == 303, answer.text
    return f"{NAME}={cookies_of(answer)[NAME]}"


def see(api: Api, path: str, cookie: str) -> TestResponse:
    return api.client.get(path, headers={"Cookie": cookie})


def test_a_token_signs_in_as_itself(api: Api, developer: Caller) -> None:
    answer = send(api, "/auth/token", token=f" {developer.token}\n", to="/apps/shop?a=1")
    assert answer.headers["Location"] == "/apps/shop?a=1"
    set_cookie = answer.headers["Set-Cookie"]
    assert all(each in set_cookie for each in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in set_cookie
    shown = see(api, "/", f"{NAME}={cookies_of(answer)[NAME]}")
    assert "acme-developer" in shown.text
    with api.services.db.read(platform="a test looks") as session:
        found = session.query(AuditRecord).filter_by(action="session.begin").one()
        assert (found.actor, found.subject) == ("token:acme-developer", "acme-developer")


def test_a_sign_in_leads_to_no_other_host(api: Api, developer: Caller) -> None:
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/auth/token"):
        assert send(api, "/auth/token", token=developer.token, to=target).headers["Location"] == "/"
        assert "evil" not in api.client.get("/auth/token", query_string={"to": target}).text


def test_redis_holds_neither_the_token_nor_its_digest(api: Api, developer: Caller) -> None:
    signed_in(api, developer.token)
    for key in api.services.redis.scan_iter():
        if api.services.redis.type(key) == b"string":
            value = api.services.redis.get(key)
            assert developer.token.encode() not in value
            assert hashed(developer.token).encode() not in value


@pytest.mark.parametrize("token", ["", "nonsense", "slw_" + "x" * 43])
def test_what_is_no_token_signs_nobody_in(api: Api, token: str) -> None:
    answer = send(api, "/auth/token", token=token)
    assert answer.status_code == 403
    assert "The token is not known" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_session_ends_with_its_token(api: Api, developer: Caller) -> None:
    cookie = signed_in(api, developer.token)
    with api.services.db.write(platform="a test revokes") as session:
        session.query(Token).filter_by(hashed=hashed(developer.token)).one().revoked_at = now()
    answer = see(api, "/", cookie)
    assert answer.headers["Location"] == "/auth/token?to=/"
    assert send(api, "/auth/token", token=developer.token).status_code == 403


def test_a_session_ends_after_its_lifetime(api: Api, developer: Caller) -> None:
    from slipway.adapters.redis.sessions import Seals, TokenSessions

    clock = [1000.0]
    sessions = TokenSessions(api.services.redis, Seals(b"x"), idle_s=3600, lifetime_s=7200, clock=lambda: clock[0])
    value = sessions.create("digest")
    clock[0] += timedelta(hours=1, minutes=59).total_seconds()
    assert sessions.read(value) == "digest"
    clock[0] += 61
    assert sessions.read(value) == ""


def test_another_kind_of_secret_opens_no_session(api: Api, developer: Caller) -> None:
    from router.identity import token_sessions

    sessions = token_sessions.of(api.services.settings, api.services.redis)
    link = sessions.issue_link(hashed(developer.token))
    assert sessions.read(link) == ""
    assert sessions.take_link(sessions.create("digest")) == ""
    assert sessions.read("nonsense") == sessions.read("") == ""


def test_signing_out_ends_the_session(api: Api, developer: Caller) -> None:
    cookie = signed_in(api, developer.token)
    assert send(api, "/auth/token/end", cookie, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert "acme-developer" in see(api, "/", cookie).text
    answer = send(api, "/auth/token/end", cookie)
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert see(api, "/", cookie).status_code == 303


def test_a_session_that_the_browser_had_ends_at_the_next_sign_in(api: Api, developer: Caller) -> None:
    planted = signed_in(api, developer.token)
    send(api, "/auth/token", planted, token=developer.token)
    assert see(api, "/", planted).status_code == 303


def test_other_sites_can_not_sign_anybody_in(api: Api, developer: Caller) -> None:
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = send(api, "/auth/token", headers=headers, token=developer.token)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


def test_with_the_cookie_the_api_takes_only_what_our_pages_send(api: Api, developer: Caller) -> None:
    cookie = signed_in(api, developer.token)
    assert see(api, "/api/account", cookie).get_json()["name"] == "acme-developer"
    answer = api.client.post("/api/apps", json={"name": "x"}, headers={"Cookie": cookie})
    assert answer.get_json()["code"] == "cross-site-request"


def test_guessing_is_bounded(api: Api) -> None:
    answers = [send(api, "/auth/token", token=f"slw_{number}").status_code for number in range(31)]
    assert answers[:30] == [403] * 30
    assert answers[30] == 429


def test_a_link_signs_in_once_and_only_by_its_button(api: Api, developer: Caller) -> None:
    made = developer.post("/api/account/console-link", status=201)
    path = made["url"].removeprefix(api.services.settings.public_url)
    for _ in range(2):
        looked = api.client.get(path)
        assert "acme-developer" in looked.text
        assert "Set-Cookie" not in looked.headers
    assert send(api, path, headers={}).status_code == 403
    answer = send(api, path)
    assert "acme-developer" in see(api, "/", f"{NAME}={cookies_of(answer)[NAME]}").text
    for again in (send(api, path), api.client.get(path)):
        assert again.status_code == 400
        assert "Set-Cookie" not in again.headers


def test_a_link_is_good_for_minutes(api: Api, developer: Caller) -> None:
    made = developer.post("/api/account/console-link", status=201)
    (key,) = [each for each in api.services.redis.scan_iter() if b"logins:link" in each]
    assert 0 < api.services.redis.ttl(key) <= 300
    assert made["expires_at"]


def test_where_sign_on_is_on_no_token_signs_in(api: Api, developer: Caller, state_dir: Path) -> None:
    cookie = signed_in(api, developer.token)
    made = developer.post("/api/account/console-link", status=201)
    services = with_sign_on(api.services, nowhere())
    on = Api(services, create_app(services).test_client(use_cookies=False))
    path = made["url"].removeprefix(services.settings.public_url)
    for answer in (send(on, "/auth/token", token=developer.token), send(on, path), on.client.get(path)):
        assert answer.status_code == 409
        assert "Set-Cookie" not in answer.headers
    assert see(on, "/", cookie).headers["Location"] == "/auth/login?to=/"
    refused = Caller(on.client, developer.token).problem(409, "POST", "/api/account/console-link")
    assert "sign in" in refused["remedy"]
