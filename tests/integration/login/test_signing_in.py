"""People sign in at the console's host, for its own pages and for apps."""

from __future__ import annotations

import pytest

from tests.integration.login.rig import Browser, Console, begin_app_login, location, query, title


def test_a_sign_in_ends_where_it_was_meant_to(console: Console, browser: Browser) -> None:
    url = browser.to_provider("/auth/login?to=/apps%3Fsort%3Dname")
    assert url.startswith(f"{console.provider.issuer}/")
    asked = query(url)
    assert (asked["response_type"], asked["code_challenge_method"], asked["redirect_uri"]) == (
        "code",
        "S256",
        f"{console.url}/auth/callback",
    )
    assert location(browser.get(browser.at_provider(url))) == "/apps?sort=name"
    shown = browser.get("/auth/session").json
    assert shown is not None
    assert (shown["login"], shown["sub"], shown["email"]) == ("ada", "sub-of-ada", "ada@example.org")


@pytest.mark.parametrize(
    "to",
    [
        *("//evil.example", "/%5Cevil.example", "https:evil.example", "https://evil.example", "%2F%2Fevil.example"),
        *("/%2Fevil.example", "/%252Fevil.example", "%09//evil.example", "/%09/evil.example", "javascript:alert(1)"),
        *("/a%0D%0ASet-Cookie:%20x=y", "", "evil", "/auth/login", "/%61uth/login", "/%2561uth/login", "/" + "a" * 5000),
    ],
)
def test_a_sign_in_leads_nowhere_but_to_this_host(browser: Browser, to: str) -> None:
    assert location(browser.sign_in(f"/auth/login?to={to}")) == "/"


def test_the_sessions_cookie_is_for_this_host_alone_and_for_no_script(browser: Browser) -> None:
    cookie = browser.sign_in().headers["Set-Cookie"]
    assert cookie == f"slipway-session={browser.session}; HttpOnly; Path=/; SameSite=Lax"
    assert len(browser.session) == 43


def test_over_tls_browsers_hold_it_to_that(secure_console: Console) -> None:
    browser = secure_console.browser()
    started = browser.get("/auth/login").headers["Set-Cookie"]
    assert started.startswith("__Host-slipway-login=")
    assert started.endswith("; Secure; HttpOnly; Path=/; SameSite=Lax")
    assert "Max-Age=600" in started
    cookie = browser.sign_in().headers["Set-Cookie"]
    assert cookie == f"__Host-slipway-session={browser.session}; Secure; HttpOnly; Path=/; SameSite=Lax"
    browser.cookies["slipway-session"] = browser.cookies.pop("__Host-slipway-session")
    assert not browser.is_signed_in(), "a cookie of the other name is none"


def test_nothing_of_a_sign_in_is_kept_by_caches_or_passed_on_in_referrers(browser: Browser) -> None:
    for answer in (browser.get("/auth/login"), browser.sign_in(), browser.get("/auth/signed-out")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")


def test_a_sign_in_is_in_the_audit_log(console: Console, browser: Browser) -> None:
    browser.sign_in()
    assert console.audit() == [("person:ada", "session.begin", "ada")]


def test_a_session_that_somebody_planted_is_not_the_one_that_signs_in(console: Console, browser: Browser) -> None:
    attacker = console.browser()
    console.provider.add_person("eve")
    console.provider.signs_in = "eve"
    attacker.sign_in()
    planted = attacker.session
    console.provider.signs_in = "ada"
    browser.session = planted
    browser.sign_in()
    assert browser.session != planted
    assert (browser.get("/auth/session").json or {})["login"] == "ada"
    assert not attacker.is_signed_in()
    assert ("person:eve", "session.end", "eve") in console.audit()


def test_a_value_that_is_no_session_is_not_taken_over(browser: Browser) -> None:
    browser.session = "A" * 43
    browser.sign_in()
    assert browser.session != "A" * 43
    assert browser.is_signed_in()


def test_signing_in_again_makes_a_new_session(console: Console, browser: Browser) -> None:
    browser.sign_in()
    first = browser.session
    browser.sign_in()
    assert console.sign_on.sessions.read(first) is None
    assert browser.is_signed_in()


def test_two_sign_ins_of_one_browser_go_on_beside_each_other(browser: Browser) -> None:
    first, second = browser.to_provider("/auth/login?to=/first"), browser.to_provider("/auth/login?to=/second")
    assert location(browser.get(browser.at_provider(second))) == "/second"
    assert location(browser.get(browser.at_provider(first))) == "/first"


def test_for_an_app_somebody_signs_in_and_goes_on_with_a_code(console: Console, browser: Browser) -> None:
    path = begin_app_login(console)
    assert location(browser.sign_in(path)) == path
    url = location(browser.get(path))
    assert url.startswith("http://shop.localhost:8080/.slipway/signed-in?code=")
    login = console.sign_on.app_logins.take_code(query(url)["code"])
    assert login is not None
    assert (login.parent, login.target) == (browser.session, "/cart?x=1")


def test_for_a_second_app_no_password_is_asked(console: Console, browser: Browser) -> None:
    browser.sign_in()
    asked = console.provider.count("auth")
    url = location(browser.get(begin_app_login(console, "blog.localhost:8080")))
    assert url.startswith("http://blog.localhost:8080/.slipway/signed-in?code=")
    assert console.provider.count("auth") == asked


def test_an_apps_sign_in_gets_one_code(console: Console, browser: Browser) -> None:
    browser.sign_in()
    path = begin_app_login(console)
    location(browser.get(path))
    again = browser.get(path)
    assert (again.status_code, title(again)) == (400, "This sign-in can&#39;t go on")
    assert "open the app again" in again.text.lower()


def test_the_first_page_shows_who_is_signed_in(console: Console, browser: Browser) -> None:
    assert 'href="/auth/login"' in browser.get("/").text
    console.provider.add_person("ada", preferred_username="<b>ada</b>")
    browser.sign_in()
    page = browser.get("/").text
    assert "&lt;b&gt;ada&lt;/b&gt;" in page
    assert 'action="/auth/logout"' in page
    assert 'href="/auth/login"' not in page


def test_who_has_chosen_no_tenant_yet_chooses_one_on_the_page(console: Console, browser: Browser) -> None:
    for tenant in ("acme", "umbrella"):
        console.api.tenant_id(tenant)
    console.provider.add_person("ada", groups=["/tenants/acme/owner", "/tenants/umbrella/viewer"])
    browser.sign_in()
    page = browser.get("/")
    assert (page.status_code, title(page)) == (403, "Choose a tenant")
    assert "Work in umbrella" in page.text
    assert browser.post("/tenant/choice", chosen="globex").status_code == 403
    assert browser.post("/tenant/choice", chosen="umbrella").headers["Location"] == "/"
    page = browser.get("/")
    assert page.status_code == 200
    assert "<option selected>umbrella</option>" in page.text


def test_many_sign_ins_at_once_from_one_address_are_refused_with_when_to_try_again(browser: Browser) -> None:
    for _ in range(30):
        browser.to_provider()
    refused = browser.get("/auth/login?to=/apps")
    assert (refused.status_code, title(refused)) == (429, "Too many sign-ins")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert 'href="/auth/login?to=/apps"' in refused.text
    assert browser.get("/auth/login", X_Forwarded_For="203.0.113.10").status_code == 303
