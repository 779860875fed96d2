"""The try-it panel: what it sends and shows, and each way in which it could become a way in."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text as sql

from router.principal import Kind, Principal
from router.usecases.trying import sending
from slipway.adapters.edge_client import EdgeClient
from slipway.core.access.roles import Role
from slipway.models import Domain
from tests.fixtures.api import Api
from tests.fixtures.console import Browser, Page
from tests.fixtures.ports import free_port
from tests.integration.console.edge_listener import DRIPS_MOST, HELLO, Listener
from tests.integration.console.test_pages import HOSTILE
from tests.integration.console.trying import GET, TRY, api, edge, send

__all__ = ["api", "edge"]

# what it sends and shows


def test_a_request_goes_to_the_edge_as_a_clients_does(browser: Browser, edge: Listener, shop: int) -> None:
    fields = {"method": "POST", "path": "/a/b?c=%20d", "headers": "Accept: text/html\r\nX-Own: 1", "body": "a\r\nb"}
    page = send(browser, **fields)
    assert edge.heads[0][0] == "POST /a/b?c=%20d HTTP/1.1"
    assert edge.requests[0].endswith(b"\r\n\r\na\nb")
    headers = edge.headers()
    assert headers.pop("x-slipway-try")
    assert headers == {
        "host": "shop.localhost:8080",
        "accept": "text/html",
        "x-own": "1",
        "content-length": "3",
        "connection": "close",
    }
    assert "200 OK" in page.text
    assert "hello" in page.words
    assert "curl -i --globoff --path-as-is -X POST -H 'Accept: text/html' -H 'X-Own: 1'" in page.text


def test_replica_and_times_are_what_the_edge_says(browser: Browser, edge: Listener, shop: int) -> None:
    ours = b"OK\r\nX-Slipway-Target: shop-web-1\r\nX-Slipway-App-S: 0.012\r\nX-Slipway-Edge-S: 0.001"
    edge.answer = HELLO.replace(b"OK", ours)
    page = send(browser)
    assert "Replica shop-web-1" in page.text
    assert "In the app 12 ms" in page.text
    assert "X-Slipway" not in page.text


def test_json_is_laid_out_and_what_is_no_text_is_not_shown(browser: Browser, edge: Listener, shop: int) -> None:
    edge.answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
    assert '{\n  "a": 1\n}' in send(browser).words
    edge.answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\n\x89PNG"
    assert "no text" in send(browser).text


def test_half_of_a_pair_in_json_is_shown_as_a_question_mark(browser: Browser, edge: Listener, shop: int) -> None:
    edge.answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"\\ud800"'
    assert '"?"' in send(browser).words


def test_a_burst_shows_how_it_was_spread(browser: Browser, edge: Listener, shop: int) -> None:
    edge.answer = HELLO.replace(b"OK", b"OK\r\nX-Slipway-Target: shop-web-2")
    page = send(browser, count="20")
    assert len(edge.requests) == 20
    assert "20 requests" in page.text
    assert "shop-web-2 20" in page.text
    send(browser, 422, count="51")
    send(browser, 422, count="0")
    assert len(edge.requests) == 20


def test_what_was_tried_is_tried_again_saved_and_removed(
    browser: Browser, browsers: dict[Role, Browser], edge: Listener, shop: int
) -> None:
    send(browser, path="/secret?token=1", headers="Authorization: Bearer own")
    again = next(each["href"] for each in Page(browser.get(TRY).text).all("a") if "again=" in (each.get("href") or ""))
    filled = Page(browser.get(again or "").text)
    assert "Authorization: Bearer own" in filled.words
    assert next(each["value"] for each in filled.all("input") if each.get("id") == "path") == "/secret?token=1"
    number = (again or "").rpartition("=")[2]
    colleague = browsers[Role.DEVELOPER]
    assert "/secret" not in colleague.get(TRY).text
    colleague.send(f"{TRY}/save", {"request": number, "name": "mine"}, status=404)
    colleague.send(f"{TRY}/forget", {"request": number}, status=404)
    browser.send(f"{TRY}/save", {"request": number, "name": "the cart"})
    assert "the cart" in colleague.get(TRY).text
    colleague.send(f"{TRY}/forget", {"request": number})
    assert "/secret" not in browser.get(TRY).text


def test_the_last_ones_are_kept_and_sealed(api: Api, browser: Browser, edge: Listener, shop: int) -> None:
    for number in range(22):
        send(browser, path=f"/n{number}", headers="Authorization: Bearer canary")
    page = browser.get(TRY).text
    assert "/n1<" not in page
    assert "/n2<" in page
    with api.services.db.read(platform="a test looks") as session:
        rows = session.execute(sql("SELECT * FROM tried_requests")).all()
    assert len(rows) == 20
    assert "canary" not in str(rows)
    assert "/n21" not in str(rows)


def test_what_could_not_be_sent_stays_in_the_form(browser: Browser, edge: Listener, shop: int) -> None:
    page = send(browser, 422, path="no-path", headers="A: b")
    assert "The path is no path of the app." in page.text
    assert next(each["value"] for each in page.all("input") if each.get("id") == "path") == "no-path"
    assert edge.requests == []


def test_an_edge_that_is_unreachable_is_a_problem_of_this_page(api: Api, browser: Browser, shop: int) -> None:
    settings = replace(api.services.settings, http_listen=str(free_port()))
    object.__setattr__(api.services, "edge", EdgeClient(settings))
    assert "The edge gave no answer" in send(browser, 503).text


# what it must not become


FOREIGN_HOSTS = (
    *("169.254.169.254", "127.0.0.1", "localhost", "[::1]", "metadata.google.internal", "evil.example"),
    *("slipway.localhost", "slipway.localhost:8080", "other.localhost", "SHOP.localhost", "shop.localhost."),
    *("shop.localhost:22", "shop.localhost@evil.example", "shop.localhost\r\nX: y", "*.wild.example", "", "/"),
)


def test_no_other_host_than_the_apps_is_asked(api: Api, browser: Browser, edge: Listener, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        session.add(Domain(tenant_id=tenant, app_id=1, host="*.wild.example"))
    for host in FOREIGN_HOSTS:
        assert "is no host of shop" in send(browser, 404, host=host).text
        assert edge.requests == []


def test_another_tenants_app_is_not_there(api: Api, stranger: Any, browser: Browser, edge: Listener, shop: int) -> None:
    other = Browser(api, stranger.token)
    stranger.create_app("own")
    for app, host in (("shop", "shop.localhost"), ("shop", "own.localhost"), ("own", "shop.localhost")):
        other.send(f"/apps/{app}/try", {**GET, "host": host, "tenant": "globex"}, status=404)
    assert edge.requests == []


def test_the_console_is_no_host_even_where_a_row_says_so(api: Api, browser: Browser, edge: Listener, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        session.add(Domain(tenant_id=tenant, app_id=1, host="slipway.localhost"))
    send(browser, 404, host="slipway.localhost")
    assert edge.requests == []


def test_no_name_is_resolved(browser: Browser, edge: Listener, shop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever DNS says of the host, now or at the next look: it is not asked."""
    asked: list[Any] = []
    connect = socket.create_connection

    def connecting(address: tuple[str, int], *rest: Any) -> socket.socket:
        asked.append(address)
        return connect(address, *rest)

    def resolve(name: str, *_: Any, **__: Any) -> Any:
        if name in ("127.0.0.1", b"127.0.0.1"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", edge.port))]
        raise AssertionError(f"{name} was resolved")

    monkeypatch.setattr("socket.create_connection", connecting)
    monkeypatch.setattr("socket.getaddrinfo", resolve)
    send(browser)
    assert asked == [("127.0.0.1", edge.port)]


LOCATIONS = (
    "http://169.254.169.254/latest",
    "//evil.example/",
    "/auth/login",
    "http://127.0.0.1",
)


def test_no_redirect_is_followed(browser: Browser, edge: Listener, shop: int) -> None:
    for location in LOCATIONS:
        edge.answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        page = send(browser)
        assert location in page.text
        assert location not in [each.get("href") for each in page.all("a")]
    assert len(edge.requests) == len(LOCATIONS)


NO_PATHS = (
    *("http://evil.example/", "HTTP://slipway.localhost/", "evil.example", "", "*", "\\\\evil", "/a b", "/a\tb"),
    *("/a\r\nHost: evil.example", "/a HTTP/1.1\r\nX: y\r\n\r\n", "/a\nb", "/a#b", "/ü", "/a\0", "/" + "a" * 4096),
    *("/.slipway/sign-out", "/%2eslipway/signed-in?code=x", "/x/../.SLIPWAY/sign-out", "/%252eslipway/sign-out"),
)


def test_a_path_is_a_path_of_the_app(browser: Browser, edge: Listener, shop: int) -> None:
    for path in NO_PATHS:
        send(browser, 422, path=path)
        assert edge.requests == []


def test_a_path_that_looks_like_an_address_stays_a_path(browser: Browser, edge: Listener, shop: int) -> None:
    send(browser, path="//evil.example/@x:80/?u=http://127.0.0.1")
    assert edge.heads[0][0] == "GET //evil.example/@x:80/?u=http://127.0.0.1 HTTP/1.1"
    assert edge.headers()["host"] == "shop.localhost:8080"


NO_HEADERS = (
    *(
        "Host: evil.example",
        "host: slipway.localhost",
        "Connection: keep-alive, X-Own",
        "Transfer-Encoding: chunked",
    ),
    *("Content-Length: 0", "TE: trailers", "Upgrade: websocket", "Expect: 100-continue", "Trailer: X"),
    *("X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: a", "X-Real-IP: 1.2.3.4"),
    *("X-Forwarded-User: root", "x-forwarded-groups: /tenants/acme/owner", "Forwarded: for=127.0.0.1", "Proxy: x"),
    *("X-Slipway-Identity: eyJ", "X-Slipway-Try: 1.a", "X-Slipway-Tenant: globex", "x_forwarded_user: root"),
    *("X.Forwarded.User: root", "Remote-User: root", "X-User: root", "CF-Connecting-IP: 1.1.1.1"),
    *("Cookie: slipway-session=x", "cookie: a=b; __Host-slipway-session=x", "Cookie: SLIPWAY-LOGIN=x"),
    *("A: b\rX-Forwarded-User: root", "A : b", " A: b", ": b", "A", "A: \0", "A: ü", "Ä: b", "A\tB: c"),
    *("A: b\nHost: evil.example", "A: b\r\n\r\nGET / HTTP/1.1\r\nHost: slipway.localhost"),
)


def test_no_header_says_what_a_client_may_not(browser: Browser, edge: Listener, shop: int) -> None:
    for header in NO_HEADERS:
        send(browser, 422, headers=header)
        assert edge.requests == []


def test_headers_and_bodies_are_bounded(browser: Browser, edge: Listener, shop: int) -> None:
    send(browser, 422, headers="\n".join(f"A{number}: b" for number in range(41)))
    send(browser, 422, headers=f"A: {'b' * 8192}")
    send(browser, 422, method="POST", body="a" * (64 * 1024 + 1))
    send(browser, 422, method="TRACE")
    send(browser, 422, method="GET / HTTP/1.1\r\nX: y")
    assert edge.requests == []


def test_the_consoles_own_credentials_stay_here(browser: Browser, edge: Listener, shop: int) -> None:
    browser.headers["Cookie"] = "slipway-session=secret; other=1"
    send(browser, headers="Cookie: own=1")
    sent = edge.requests[0].decode()
    assert browser.token not in sent
    assert "secret" not in sent
    assert edge.headers()["cookie"] == "own=1"


def test_an_answer_is_text_and_never_a_part_of_the_page(browser: Browser, edge: Listener, shop: int) -> None:
    body = HOSTILE.encode()
    head = f"HTTP/1.1 200 {HOSTILE}\r\nContent-Type: text/html\r\nX-Own: {HOSTILE}\r\nContent-Length: {len(body)}\r\n"
    cookie = "Set-Cookie: slipway-login=secret-of-a-sign-in; Path=/\r\nSet-Cookie: own=1\r\n"
    edge.answer = head.encode() + cookie.encode() + b"X-Slipway-Target: <script>\r\n\r\n" + body
    answer = browser.send(TRY, {**GET, "path": "/?<script>alert(1)</script>"}, status=200)
    page = Page(answer.text)
    assert page.text.count("alert(1)") >= 4
    assert page.all("img") == []
    assert all((each.get("src") or "").startswith("/assets/") for each in page.all("script"))
    assert "secret-of-a-sign-in" not in answer.text
    assert answer.headers.getlist("Set-Cookie") == []
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


NO_ANSWERS = (
    b"",
    b"no HTTP\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n",
    b"HTTP/1.1 999999 OK\r\n\r\n",
)


def test_what_is_no_answer_is_none(browser: Browser, edge: Listener, shop: int) -> None:
    for answer in NO_ANSWERS:
        edge.answer = answer
        send(browser, 503)


def test_an_answer_that_is_too_long_is_cut(browser: Browser, edge: Listener, shop: int) -> None:
    edge.answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"a" * (1 << 20)
    page = send(browser)
    assert "this is its beginning" in page.text
    assert max(map(len, page.words)) <= 100_000


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"])
def test_an_answer_that_does_not_end_is_cut_in_time(
    browser: Browser, edge: Listener, shop: int, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_S", 0.3)
    edge.answer, edge.hangs = answer, True
    page = send(browser, 200 if answer else 503)
    assert edge.dripped < DRIPS_MOST
    assert any(each.startswith("hello") for each in page.words) == bool(answer)
    assert ("this is its beginning" in page.text) == bool(answer)


def test_a_tenant_tries_one_at_a_time(api: Api, browser: Browser, edge: Listener, shop: int) -> None:
    holder = Principal(Kind.TOKEN, "9", "x", api.tenant_id(), "acme", Role.OWNER)
    with api.services.tries.place(holder):
        assert "tries 1 request already" in send(browser, 429).text
    send(browser)


def test_as_oneself_is_not_offered_without_a_sign_in_and_refused_when_it_is_sent(
    browser: Browser, edge: Listener, shop: int
) -> None:
    page = Page(browser.get(TRY).text)
    assert "oneself" not in [each.get("value") for each in page.all("option")]
    assert "needs a sign-in" in page.text
    assert "Only somebody who signed in" in send(browser, 409, **{"as": "oneself"}).text
    assert edge.requests == []
