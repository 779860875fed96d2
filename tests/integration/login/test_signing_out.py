"""Sessions end: by a person, and by the identity provider."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from slipway.adapters.redis import keys
from tests.fixtures.api import Api
from tests.fixtures.identity.sign_on import with_sign_on
from tests.fixtures.services.redis_server import RedisServer
from tests.integration.login.rig import Browser, Console, client_of, location, query, redirect_of, title


def goes_on_to(page: str) -> str:
    found = re.search(r'<meta http-equiv="refresh" content="0;url=([^"]+)">', page)
    assert found, page
    return html.unescape(found[1])


def test_a_person_signs_out_here_at_apps_and_at_the_provider(console: Console, browser: Browser) -> None:
    browser.sign_in()
    value = browser.session
    app = console.sign_on.sessions.create_app_session(value, "shop.localhost")
    assert app is not None
    page = browser.post("/auth/logout")
    assert (page.status_code, title(page)) == (200, "Signing you out")
    assert browser.session == ""
    assert console.sign_on.sessions.read(value) is None
    assert console.sign_on.sessions.read_app_session(app, "shop.localhost") is None
    url = goes_on_to(page.text)
    assert query(url)["post_logout_redirect_uri"] == f"{console.url}/auth/signed-out"
    assert query(url)["id_token_hint"].count(".") == 2
    assert console.provider.grants, "nothing is revoked before the browser has been there"
    assert redirect_of(url) == f"{console.url}/auth/signed-out"
    assert console.provider.grants == {}
    assert title(browser.get("/auth/signed-out")) == "You are signed out"
    assert console.audit()[-1] == ("person:ada", "session.end", "ada")
    reports = [fields[b"subject"] for _, fields in console.services.redis.xrange(keys.IDENTITY_CHANGES)]
    assert [each.partition(b":")[0] for each in reports] == [b"session"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://shop.localhost:8080"},
        {"Origin": "http://slipway.localhost"},
        {"Origin": "https://slipway.localhost:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://slipway.localhost:8080"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_no_other_site_signs_anybody_out(console: Console, browser: Browser, headers: dict[str, str]) -> None:
    browser.sign_in()
    refused = browser.ask("POST", "/auth/logout", **headers)
    assert (refused.status_code, title(refused)) == (403, "This was refused")
    assert browser.is_signed_in()
    assert console.audit()[-1] == ("nobody", "session.refuse", "/auth/logout")


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://slipway.localhost:8080"}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}]
)
def test_either_header_says_that_a_page_is_ours(browser: Browser, headers: dict[str, str]) -> None:
    browser.sign_in()
    assert browser.ask("POST", "/auth/logout", **headers).status_code == 200
    assert not browser.is_signed_in()


def test_a_link_signs_nobody_out(browser: Browser) -> None:
    browser.sign_in()
    assert browser.get("/auth/logout").status_code == 405
    page = browser.get("/auth/signed-out")
    assert title(page) == "You are signed in"
    assert '<form method="post" action="/auth/logout">' in page.text
    assert browser.is_signed_in()


def test_whoever_is_not_signed_in_is_signed_out(browser: Browser) -> None:
    assert location(browser.post("/auth/logout")) == "/auth/signed-out"
    browser.session = "A" * 43
    assert location(browser.post("/auth/logout")) == "/auth/signed-out"
    assert browser.session == ""


def test_a_provider_without_a_page_for_it_is_named_as_what_is_left(console: Console, browser: Browser) -> None:
    console.provider.metadata = {"end_session_endpoint": None}
    browser.sign_in()
    page = browser.post("/auth/logout")
    assert title(page) == "You are signed out here, and at all apps"
    assert not browser.is_signed_in()


@pytest.fixture
def own(console: Console, own_redis: RedisServer, tmp_path: Path) -> Iterator[Console]:
    """With a Redis that the test may stop."""
    with Redis.from_url(own_redis.url, socket_timeout=1) as redis:
        services = with_sign_on(replace(console.services, redis=redis), console.provider.url)
        yield Console(Api(services, client_of(services)), console.provider)


def test_without_redis_nobody_is_said_to_be_signed_out(own: Console, own_redis: RedisServer) -> None:
    browser = own.browser()
    browser.sign_in()
    own_redis.stop()
    page = browser.post("/auth/logout")
    assert (page.status_code, title(page)) == (503, "Nobody can sign in at the moment")
    assert browser.session != ""
    assert browser.get("/auth/login").status_code == 503
    assert browser.get("/auth/session").status_code == 503
    assert browser.get("/").status_code == 503


def end_by_provider(console: Console, token: str) -> int:
    answer = console.browser().ask("POST", "/auth/backchannel-logout", data={"logout_token": token})
    assert answer.headers["Cache-Control"] == "no-store"
    if answer.status_code != 200:
        assert answer.json is not None
        assert answer.json["error"] in ("invalid_request", "server_error")
    return answer.status_code


def sid_of(console: Console, browser: Browser) -> str:
    session = console.sign_on.sessions.read(browser.session)
    assert session is not None
    return session.person.sid


def test_the_provider_ends_one_session(console: Console, browser: Browser) -> None:
    browser.sign_in()
    other = console.browser()
    other.sign_in()
    assert end_by_provider(console, console.provider.logout_token(sid=sid_of(console, browser))) == 200
    assert not browser.is_signed_in()
    assert other.is_signed_in()
    assert console.audit()[-1][:2] == ("the identity provider", "session.end")


def test_the_provider_ends_all_of_a_person(console: Console, browser: Browser) -> None:
    browser.sign_in()
    other = console.browser()
    other.sign_in()
    assert end_by_provider(console, console.provider.logout_token(sid=None)) == 200
    assert not browser.is_signed_in()
    assert not other.is_signed_in()


def test_a_logout_token_is_good_once(console: Console, browser: Browser) -> None:
    token = console.provider.logout_token(sid=None)
    assert end_by_provider(console, token) == 200
    browser.sign_in()
    assert end_by_provider(console, token) == 400
    assert browser.is_signed_in()


def test_orders_that_are_none_end_nothing(console: Console, browser: Browser) -> None:
    browser.sign_in()
    sid = sid_of(console, browser)
    provider = console.provider
    orders = [
        *("", "x", "x.y.z", "A" * 20_000, provider.access_token(), provider.id_token(sid=sid)),
        provider.logout_token(sid=sid, nonce="n"),
        provider.logout_token(sid=sid, aud="another"),
        provider.logout_token(sid=sid, iss="https://evil.example"),
        provider.logout_token(sid=sid, events={}),
        provider.logout_token(sid=sid, iat=int(time.time()) - 3600, exp=None),
        provider.logout_token(sid=sid, header={"alg": "none"}),
        provider.logout_token(sid=None, sub=None),
    ]
    assert [end_by_provider(console, each) for each in orders] == [400] * len(orders)
    assert browser.is_signed_in()


def test_an_order_whose_signature_can_not_be_checked_is_no_success(console: Console, browser: Browser) -> None:
    browser.sign_in()
    token = console.provider.logout_token(sid=sid_of(console, browser))
    browser.console.services.redis.flushall()
    console.provider.answers["certs"] = console.provider.answers["configuration"] = _down()
    fresh = with_sign_on(console.services, console.provider.url)
    again = Console(Api(fresh, client_of(fresh)), console.provider)
    assert end_by_provider(again, token) == 400


def _down() -> object:
    from tests.fixtures.identity.oidc_server import Answer

    return Answer(503)


def test_a_session_that_the_provider_does_not_renew_is_over(console: Console, browser: Browser) -> None:
    browser.sign_in()
    console.provider.end_session(sid_of(console, browser))
    console.sign_on.changes.person_changed("sub-of-ada")
    assert not browser.is_signed_in()
    assert console.audit()[-1] == ("the identity provider", "session.end", "ada")
