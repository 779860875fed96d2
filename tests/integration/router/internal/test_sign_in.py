"""Signing in and out on an app's host: where it leads, to whom a code is good, and what another site can't do."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.fixtures.api import Api
from tests.fixtures.identity.sign_on import HOST, ORIGIN, OWN_FORM, Edge, cookies_of
from tests.fixtures.services.redis_server import unreachable


def began(edge: Edge, target: str = "/", **fields: Any) -> tuple[str, str]:
    """The login's id, and the browser's cookie."""
    answer = edge.begin(target, **fields)
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    above = f"{edge.services.settings.public_url}/auth/apps/"
    assert found["location"].startswith(above)
    return found["location"].removeprefix(above), found["cookie"].partition(";")[0]


def code_of(edge: Edge, login: str, parent: str = "") -> str:
    """What the console's host does once somebody is signed in."""
    issued = edge.sign_on.app_logins.issue_code(login, parent or edge.signed_in())
    assert issued is not None
    return issued[0]


def come_back(edge: Edge, code: str, cookie: str, **more: str) -> TestResponse:
    return edge.browse(f"/.slipway/signed-in?code={code}", Cookie=cookie, **more)


def test_a_sign_in_ends_where_the_browser_wanted_to_go_with_a_session_of_that_host(edge: Edge) -> None:
    login, cookie = began(edge, "/reports?year=2026&x=%2F#top")
    answer = come_back(edge, code_of(edge, login), cookie)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ORIGIN}/reports?year=2026&x=%2F#top")
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    session = cookies_of(answer)["slipway-session"]
    assert edge.verdict(cookie=session)["user"] == "ada"
    assert edge.verdict(cookie=session, host="other.localhost")["known"] is False


def test_over_tls_cookies_are_bound_to_their_host(edge: Edge) -> None:
    login, cookie = began(edge, host=HOST, scheme="https")
    answer = come_back(edge, code_of(edge, login), cookie, host=HOST, X_Forwarded_Proto="https")
    assert answer.headers["Location"] == f"https://{HOST}/"
    (text,) = answer.headers.getlist("Set-Cookie")
    assert text.startswith("__Host-slipway-session=")
    attributes = {each.strip() for each in text.split(";")[1:]}
    assert attributes == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    login_cookie = edge.begin(host=HOST, scheme="https").get_json()["cookie"]
    assert login_cookie.startswith("__Host-slipway-login=")
    assert attributes | {"Max-Age=600"} <= {each.strip() for each in login_cookie.split(";")}
    assert "Domain" not in text + login_cookie


@pytest.mark.parametrize(
    "target",
    [
        *("//evil", "/\\evil", "https:evil", "https://evil", "evil", "\\\\evil", "///evil", "/%2f/evil", "/%5cevil"),
        *("/a\r\nSet-Cookie: x=1", "/a\nb", "/a\0b", "/a\tb", "/" + "x" * 10240, ".evil.example", "@evil", ":80/"),
        *("/.slipway/sign-out", "/.slipway/signed-in?code=x", "javascript:alert(1)", "/\u2028x\\"),
    ],
)
def test_a_target_that_is_no_path_of_the_app_leads_to_its_first_page(edge: Edge, target: str) -> None:
    login, cookie = began(edge, target)
    assert come_back(edge, code_of(edge, login), cookie).headers["Location"] == f"{ORIGIN}/"


def test_a_target_beyond_ascii_is_encoded(edge: Edge) -> None:
    login, cookie = began(edge, "/straße?q=ü")
    assert come_back(edge, code_of(edge, login), cookie).headers["Location"] == f"{ORIGIN}/stra%C3%9Fe?q=%C3%BC"
    body = b'{"host":"hello.localhost:8080","scheme":"http","target":"/\xff","address":""}'
    location = edge.client.post("/internal/sign-in", data=body).get_json()["location"]
    found = edge.sign_on.app_logins.read(location.rpartition("/")[2])
    assert found is not None
    assert found.target == "/%FF"


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        (HOST, "http", HOST),
        (f"{HOST}:80", "http", HOST),
        (f"{HOST}:8080", "http", f"{HOST}:8080"),
        (f"{HOST.upper()}:8080", "http", f"{HOST}:8080"),
        (f"{HOST}:6666", "http", f"{HOST}:8080"),
        (f"{HOST}:443", "http", f"{HOST}:8080"),
        (f"{HOST}:6666", "https", HOST),
        (f"{HOST}:0", "http", HOST),
        (f"{HOST}:", "http", HOST),
        (f"{HOST}:99999999", "http", HOST),
    ],
)
def test_a_code_goes_to_no_other_server_on_the_same_name(edge: Edge, host: str, scheme: str, expected: str) -> None:
    """The port in a request's Host is what the client says."""
    login, _ = began(edge, host=host, scheme=scheme)
    found = edge.sign_on.app_logins.read(login)
    assert found is not None
    assert (found.scheme, found.host) == (scheme, expected)


@pytest.mark.parametrize(
    "fields",
    [
        *({"host": value} for value in ("", "a b", "evil/x", "a@b", "x:y", "[::1]", 7, None, "x" * 300)),
        *({"scheme": value} for value in ("ftp", "HTTPS", "", None)),
        *({"target": value} for value in ("", None, 7)),
    ],
)
def test_a_sign_in_of_nothing_is_refused(edge: Edge, fields: dict[str, Any]) -> None:
    answer = edge.client.post("/internal/sign-in", json={"host": HOST, "scheme": "http", "target": "/"} | fields)
    assert answer.status_code == 422


def test_a_code_is_good_once(edge: Edge) -> None:
    login, cookie = began(edge)
    code = code_of(edge, login)
    assert edge.browse(f"/.slipway/signed-in?code={code}&code={code}", Cookie=cookie).status_code == 403, "which one?"
    assert come_back(edge, code, cookie).status_code == 303
    again = come_back(edge, code, cookie)
    assert (again.status_code, again.headers.getlist("Set-Cookie")) == (403, [])


def test_a_code_of_one_host_is_nothing_on_another(edge: Edge) -> None:
    login, cookie = began(edge)
    code = code_of(edge, login)
    answer = come_back(edge, code, cookie, host="other.localhost:8080")
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (403, [])
    assert come_back(edge, code, cookie).status_code == 403, "and nothing where it began any more"


def test_a_code_of_one_scheme_is_nothing_in_the_other(edge: Edge) -> None:
    login, cookie = began(edge, host=HOST, scheme="https")
    answer = come_back(edge, code_of(edge, login), cookie.removeprefix("__Host-"), host=HOST)
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (403, [])


@pytest.mark.parametrize("other", ["none", "another", "doubled", "theirs as the session's"])
def test_a_code_in_another_browser_is_nothing(edge: Edge, other: str) -> None:
    """Else somebody could sign a victim in as themselves, or collect what was sent to the victim."""
    login, cookie = began(edge)
    code = code_of(edge, login)
    sent = {
        "none": "",
        "another": began(edge)[1],
        "doubled": f"{cookie}; {cookie}",
        "theirs as the session's": cookie.replace("slipway-login", "slipway-session"),
    }
    answer = come_back(edge, code, sent[other])
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (403, [])
    assert "another browser" in answer.text


@pytest.mark.parametrize(
    "code", ["", "x", "x" * 43, "A" * 43, "x" * 5000, "%00", "%0d%0aSet-Cookie:%20a=b", "a&code=b"]
)
def test_what_is_no_code_signs_nobody_in(edge: Edge, code: str) -> None:
    answer = come_back(edge, code, began(edge)[1])
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (403, [])
    assert answer.mimetype == "text/html"


def test_an_app_logins_id_is_no_code(edge: Edge) -> None:
    login, cookie = began(edge)
    assert come_back(edge, login, cookie).status_code == 403


def test_who_signed_out_meanwhile_is_not_signed_in(edge: Edge) -> None:
    login, cookie = began(edge)
    parent = edge.signed_in()
    code = code_of(edge, login, parent)
    edge.sign_on.sessions.end(parent)
    assert come_back(edge, code, cookie).status_code == 403


def test_two_pages_of_one_browser_can_sign_in_at_once(edge: Edge) -> None:
    first, cookie = began(edge, "/first")
    second, same = began(edge, "/second", browser=cookie.partition("=")[2])
    assert same == cookie
    parent = edge.signed_in()
    codes = [code_of(edge, login, parent) for login in (first, second)]
    answers = [come_back(edge, code, cookie) for code in codes]
    assert [answer.headers["Location"] for answer in answers] == [f"{ORIGIN}/first", f"{ORIGIN}/second"]


@pytest.mark.parametrize("browser", ["x", "x; Domain=evil.example", "a\r\nSet-Cookie: b=c", "x" * 4000])
def test_what_is_no_login_cookie_of_ours_is_not_taken_over(edge: Edge, browser: str) -> None:
    _, cookie = began(edge, browser=browser)
    assert cookie.partition("=")[2] != browser
    assert len(cookie.partition("=")[2]) == 43


def test_signing_in_again_replaces_the_session_of_the_host(edge: Edge) -> None:
    former = edge.app_session()
    login, cookie = began(edge)
    answer = come_back(edge, code_of(edge, login), f"{cookie}; slipway-session={former}")
    assert edge.verdict(cookie=cookies_of(answer)["slipway-session"])["known"] is True
    assert edge.verdict(cookie=former)["known"] is False


def test_sign_ins_are_bounded_by_address(edge: Edge) -> None:
    statuses = [edge.begin(address="203.0.113.7").status_code for _ in range(32)]
    assert statuses == [200] * 30 + [429] * 2
    refused = edge.begin(address="203.0.113.7")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert edge.begin(address="203.0.113.8").status_code == 200


def test_without_redis_people_get_a_page_and_keep_their_session(edge: Edge) -> None:
    login, cookie = began(edge)
    code, session = code_of(edge, login), edge.app_session()
    with unreachable(edge.services.redis):
        for answer in (
            come_back(edge, code, cookie),
            edge.browse("/.slipway/sign-out", "POST", Cookie=f"slipway-session={session}", **OWN_FORM),
        ):
            assert (answer.status_code, answer.mimetype) == (503, "text/html")
            assert answer.headers["Retry-After"]
            assert answer.headers.getlist("Set-Cookie") == []
    assert come_back(edge, code, cookie).status_code == 303


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/internal/authorize"), ("POST", "/internal/sign-in"), ("GET", "/internal/"), ("GET", "/")),
        *(("GET", "/.slipway/"), ("GET", "/.slipway/other"), ("POST", "/.slipway/../internal/authorize")),
        *(("POST", "//internal/authorize"), ("POST", "/.slipway//internal/authorize"), ("GET", "/healthz")),
    ],
)
def test_a_browser_reaches_nothing_that_the_edge_asks(edge: Edge, method: str, path: str) -> None:
    assert edge.browse(path, method).status_code == 404


def test_the_pages_are_for_browsers_that_come_through_the_edge(edge: Edge) -> None:
    assert edge.client.get("/.slipway/sign-out").status_code == 404
    assert edge.client.post("/.slipway/sign-out").status_code == 404


def test_where_sign_on_is_off_the_pages_say_so(api: Api) -> None:
    edge = Edge(api.services)
    for answer in (edge.browse("/.slipway/signed-in?code=x"), edge.browse("/.slipway/sign-out")):
        assert (answer.status_code, answer.mimetype) == (503, "text/html")
        assert "Sign-on is off" in answer.text
