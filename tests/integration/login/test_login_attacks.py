"""Sign-ins that are not as they have to be: refused with a page, without a session, and written down."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from router.login import pages, signing_in
from slipway.errors import NotAuthenticated
from tests.fixtures.identity.oidc_server import Answer
from tests.integration.login.rig import Browser, Console, begin_app_login, query, title

CANT_GO_ON, NOT_SIGNED_IN, NOBODY = (
    "This sign-in can&#39;t go on",
    "You are not signed in",
    "Nobody can sign in at the moment",
)


def refused(answer: TestResponse, status: int, heading: str) -> TestResponse:
    """A page with a way on, which gives no session and runs nothing."""
    assert (answer.status_code, title(answer)) == (status, heading)
    assert "slipway-session" not in str(answer.headers.getlist("Set-Cookie"))
    assert re.search(r'<a class="button" href="/auth/(login\?to=/|apps/)', answer.text)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return answer


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/auth/callback", "has no state"),
        ("/auth/callback?code=x", "has no state"),
        ("/auth/callback?state=x", "neither a code nor an error"),
        ("/auth/callback?state=x&code=y&error=z", "or both"),
        ("/auth/callback?state=x&state=y&code=z", "names a parameter twice"),
        ("/auth/callback?state=x&code=y&code=z", "names a parameter twice"),
        ("/auth/callback?state=x&code=" + "y" * 5000, "is too long"),
    ],
)
def test_an_answer_that_is_none(console: Console, browser: Browser, path: str, why: str) -> None:
    browser.to_provider()
    page = refused(browser.get(path), 403, NOT_SIGNED_IN)
    assert why in page.text
    assert console.audit() == [("nobody", "session.refuse", "/auth/callback")]


@pytest.mark.parametrize("state", ["unknown", "A" * 43, "%00", "%C3%A4"])
def test_a_state_that_was_never_given(console: Console, browser: Browser, state: str) -> None:
    browser.to_provider()
    refused(browser.get(f"/auth/callback?state={state}&code=x"), 400, CANT_GO_ON)
    assert console.provider.count("token") == 0


def test_a_state_is_good_once(console: Console, browser: Browser) -> None:
    back = browser.at_provider(browser.to_provider())
    browser.get(back)
    session = browser.session
    refused(browser.get(back), 400, CANT_GO_ON)
    assert browser.session == session
    assert browser.is_signed_in()
    assert console.provider.count("token") == 1


def test_a_callback_in_another_browser(console: Console, browser: Browser) -> None:
    """Whoever gets somebody to open the end of a sign-in of their own would have them signed in as another."""
    back = browser.at_provider(browser.to_provider())
    victim = console.browser()
    page = refused(victim.get(back), 400, CANT_GO_ON)
    assert "another browser" in page.text
    assert console.provider.count("token") == 0
    refused(browser.get(back), 400, CANT_GO_ON)


def test_a_callback_in_a_browser_with_a_sign_in_of_its_own(console: Console, browser: Browser) -> None:
    back = browser.at_provider(browser.to_provider())
    victim = console.browser()
    victim.to_provider()
    refused(victim.get(back), 400, CANT_GO_ON)


def test_a_browsers_cookie_that_comes_twice(browser: Browser) -> None:
    back = browser.at_provider(browser.to_provider())
    value = browser.cookies["slipway-login"]
    refused(browser.get(back, Cookie=f"slipway-login=planted; slipway-login={value}"), 400, CANT_GO_ON)


def test_a_sessions_cookie_that_comes_twice_counts_as_none(browser: Browser) -> None:
    browser.sign_in()
    for planted in ("x", browser.session):
        doubled = f"slipway-session={planted}; slipway-session={browser.session}"
        assert browser.get("/auth/session", Cookie=doubled).status_code == 401
        assert browser.get("/api/account", Cookie=doubled).status_code == 401


@pytest.mark.parametrize("name", ["slipway_session", "Slipway-Session", "__Host-slipway-session", "slipway-login"])
def test_a_cookie_of_another_name_is_no_session(browser: Browser, name: str) -> None:
    browser.sign_in()
    assert browser.get("/auth/session", Cookie=f"{name}={browser.session}").status_code == 401


def test_a_code_of_one_sign_in_is_not_good_in_another(console: Console, browser: Browser) -> None:
    stolen = query(browser.at_provider(browser.to_provider()))["code"]
    attacker = console.browser()
    own = query(attacker.to_provider())
    back = f"/auth/callback?state={own['state']}&code={stolen}&iss={console.provider.issuer}"
    refused(attacker.get(back), 403, NOT_SIGNED_IN)


def test_a_code_that_was_used(console: Console, browser: Browser) -> None:
    back = browser.at_provider(browser.to_provider())
    browser.get(back)
    code, state = query(back)["code"], query(browser.to_provider())["state"]
    again = f"/auth/callback?state={state}&code={code}&iss={console.provider.issuer}"
    refused(console_browser_of(browser).get(again), 403, NOT_SIGNED_IN)


def console_browser_of(browser: Browser) -> Browser:
    """The same browser without its session."""
    browser.cookies.pop("slipway-session", None)
    return browser


@pytest.mark.parametrize("issuer", ["https://evil.example/realms/slipway", None])
def test_an_answer_of_another_provider(console: Console, browser: Browser, issuer: str | None) -> None:
    console.provider.response = {"iss": issuer}
    refused(browser.get(browser.at_provider(browser.to_provider())), 403, NOT_SIGNED_IN)
    assert console.provider.count("token") == 0


@pytest.mark.parametrize("claims", [{"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"sub": None}])
def test_an_id_token_of_another_sign_in(console: Console, browser: Browser, claims: dict[str, str | None]) -> None:
    console.provider.id_claims = claims
    refused(browser.get(browser.at_provider(browser.to_provider())), 403, NOT_SIGNED_IN)
    assert len(console.whys()) == 1


@pytest.mark.parametrize(
    ("error", "status", "heading"),
    [
        ("access_denied", 403, NOT_SIGNED_IN),
        ("login_required", 403, NOT_SIGNED_IN),
        ("temporarily_unavailable", 503, NOBODY),
        ("server_error", 503, NOBODY),
        ("<script>alert(1)</script>", 403, NOT_SIGNED_IN),
        ("'\"><img src=x onerror=alert(1)>", 403, NOT_SIGNED_IN),
    ],
)
def test_a_provider_that_refuses(console: Console, browser: Browser, error: str, status: int, heading: str) -> None:
    console.provider.response = {"code": None, "error": error, "error_description": "<script>alert(2)</script>"}
    page = refused(browser.get(browser.at_provider(browser.to_provider("/auth/login?to=/apps"))), status, heading)
    assert "alert" not in page.text
    assert 'href="/auth/login?to=/apps"' in page.text
    assert ("Retry-After" in page.headers) == (status == 503)


def test_a_provider_that_is_down_at_the_beginning(
    console: Console, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    console.provider.stop()
    with caplog.at_level("WARNING"):
        page = refused(browser.get("/auth/login?to=/apps"), 503, NOBODY)
    assert int(page.headers["Retry-After"]) > 0
    assert "127.0.0.1" not in page.text, "where the provider is says the log alone"
    assert "a request was not served" in caplog.text
    assert console.audit() == [], "it says nothing of who came"


def test_a_provider_that_is_down_at_the_end_and_back_again(console: Console, browser: Browser) -> None:
    back = browser.at_provider(browser.to_provider("/auth/login?to=/apps"))
    console.provider.stop()
    page = refused(browser.get(back), 503, NOBODY)
    assert 'href="/auth/login?to=/apps"' in page.text
    console.provider.start()
    browser.sign_in()


@pytest.mark.parametrize(
    "answer",
    [Answer(500, b"<script>alert(1)</script>"), Answer(200, b"{"), Answer.json({"error": "invalid_client"}, 401)],
)
def test_a_token_endpoint_that_answers_nonsense(console: Console, browser: Browser, answer: Answer) -> None:
    console.provider.answers["token"] = answer
    page = refused(browser.get(browser.at_provider(browser.to_provider())), 503, NOBODY)
    assert "alert" not in page.text


def test_redis_is_emptied_while_somebody_signs_in(console: Console, browser: Browser) -> None:
    back = browser.at_provider(browser.to_provider())
    console.services.redis.flushall()
    page = refused(browser.get(back), 400, CANT_GO_ON)
    assert "ten minutes" in page.text
    browser.sign_in()
    assert browser.is_signed_in()


def test_redis_is_emptied_while_somebody_signs_in_for_an_app(console: Console, browser: Browser) -> None:
    path = begin_app_login(console)
    browser.sign_in(path)
    console.services.redis.flushall()
    page = browser.get(path)
    assert (page.status_code, title(page)) == (400, CANT_GO_ON)


def test_the_session_at_the_provider_ends_while_somebody_signs_in(console: Console, browser: Browser) -> None:
    console.provider.id_claims = {"sid": "ended"}
    console.sign_on.sessions.end_of_sid("ended")
    refused(browser.get(browser.at_provider(browser.to_provider())), 403, NOT_SIGNED_IN)


@pytest.mark.parametrize("login", ["unknown", "A" * 43, "%3Cscript%3Ealert(1)", "%22%3E%3Cimg%3E"])
def test_an_apps_sign_in_that_is_not_known(browser: Browser, login: str) -> None:
    page = refused(browser.get(f"/auth/apps/{login}"), 400, CANT_GO_ON)
    assert login not in page.text
    assert "<script" not in page.text
    assert "<img" not in page.text


def test_refusals_of_strangers_fill_no_log(console: Console, browser: Browser) -> None:
    for _ in range(40):
        browser.get("/auth/callback?state=x&code=y")
    assert len(console.audit()) == 30


def test_no_text_on_a_page_is_markup() -> None:
    hostile = "<script>alert(1)</script>\"'"
    error = NotAuthenticated(hostile, remedy=hostile)
    page = pages.failure(error, hostile, again=f"/{hostile}").get_data(as_text=True)
    assert "<script" not in page
    assert "alert(1)" in page


def test_what_nobody_foresaw_is_a_page_too(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(signing_in, "begin", breaks)
    answer = browser.get("/auth/login?to=/apps")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "/auth/login?to=/apps" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "ZeroDivisionError" not in answer.text
    assert "ZeroDivisionError" in caplog.text
