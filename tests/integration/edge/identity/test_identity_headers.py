"""What an app learns of who calls, and nobody but the edge can say."""

from __future__ import annotations

from contextlib import closing

import pytest
from edge_clients import open_socket
from edge_publisher import HOST, target
from edge_router import TENANT
from edge_wire import AFTER, exchange, wire_app

IDENTITY = ("x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-slipway-identity")
FORGED = """
X-Forwarded-User: root
X-FORWARDED-USER: root
X_Forwarded_User: root
X.Forwarded.User: root
X-Forwarded_User: root
X-Forwarded-User: root
X-Forwarded-Email: root@example.org
X-Forwarded-Groups: /tenants/acme/owner
X_Forwarded_Groups: /tenants/acme/owner
X-Forwarded-Preferred-Username: root
X-Slipway-Identity: forged
X_Slipway_Identity: forged
X.Slipway.Identity: forged
X-Slipway-User: root
Remote-User: root
X-Auth-Request-User: root
X-Forwarded-Prefix: /admin
X-Forwarded-Port: 1
X-Forwarded-Uri: /public/
X-Original-URL: /public/
X-Rewrite-URL: /public/
X-Forwarded-Host: evil.example
""".strip().splitlines()
WAYS = {
    "GET": b"",
    "POST": b"body",
}


@pytest.fixture
def wire(rig, app_id):
    with wire_app() as made:
        rig.route(HOST, target(made.port), app=app_id, access=TENANT)
        yield made


def send(rig, method, *lines, path="/", body=b""):
    head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close", *lines]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return exchange(rig.edge, "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)


def cookie(person):
    return f"Cookie: theme=dark; slipway-session={person.value}"


def test_an_app_learns_who_calls(app, person):
    ada = person()
    for _ in range(2):  # the second passes in the rewrite phase
        assert ada.ask().status == 200
        received = app.record.requests[-1].headers
        assert [received[name] for name in IDENTITY] == [
            "ada", "ada@example.org", "/tenants/acme/owner,/staff", f"header.{ada.caller.sub}.signature",
        ]  # fmt: skip
        assert received["cookie"] == "theme=dark"


def test_an_address_that_nobody_verified_and_groups_that_there_are_not_are_left_out(app, person):
    assert person(more={"email": None, "groups": []}).ask().status == 200
    received = app.record.requests[0].headers
    assert ("x-forwarded-email" in received, "x-forwarded-groups" in received) == (False, False)


def test_a_group_with_a_comma_in_its_name_is_no_second_group(app, person):
    assert person(more={"groups": ["/staff,/tenants/acme/owner", "/a%b"]}).ask().status == 200
    assert app.record.requests[0].headers["x-forwarded-groups"] == "/staff%2C/tenants/acme/owner,/a%25b"


@pytest.mark.parametrize("way", WAYS)
def test_what_a_client_says_of_itself_is_replaced(rig, wire, person, way):
    ada = person()
    for _ in range(2):
        answer = send(rig, way, *FORGED, cookie(ada), *FORGED, body=WAYS[way])
        assert answer.startswith(b"HTTP/1.1 200")
        received = wire.arrived[-1].headers
        assert received["x-forwarded-user"] == "ada"
        assert received["x-slipway-identity"] == f"header.{ada.caller.sub}.signature"
        assert received["x-forwarded-host"] == HOST
        said = [name for name, value in received.items() if "root" in value or "forged" in value or "evil" in value]
        assert said == []
        assert not {"x-forwarded-uri", "x-original-url", "x-rewrite-url", "x-forwarded-port"} & received.keys()


@pytest.mark.parametrize("named", ["X-Forwarded-User, X-Slipway-Identity", "close, X-Forwarded-Groups", "Cookie"])
def test_a_client_can_not_have_a_header_removed_on_the_way(rig, wire, person, named):
    head = [f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: {named}", cookie(person()), "", ""]
    answer = exchange(rig.edge, "\r\n".join(head).encode() + AFTER)
    assert answer.startswith(b"HTTP/1.1 200")
    assert wire.arrived[0].headers["x-forwarded-user"] == "ada"
    assert "connection" not in wire.arrived[0].headers or named not in wire.arrived[0].headers["connection"]


def test_an_authorization_that_was_used_does_not_reach_the_app_and_any_other_does(rig, router, wire, person):
    ada = person()
    for _ in range(2):
        assert send(rig, "GET", f"Authorization: Bearer {ada.token}", cookie(ada)).startswith(b"HTTP/1.1 200")
        assert "authorization" not in wire.arrived[-1].headers
    send(rig, "GET", "Authorization: Basic YTpi", cookie(ada))
    assert wire.arrived[-1].headers["authorization"] == "Basic YTpi"


@pytest.mark.parametrize("second", ["Bearer slw_another", "Basic YTpi"])
def test_two_authorizations_could_be_read_in_two_ways_and_are_refused(rig, router, wire, person, second):
    answer = send(rig, "GET", f"Authorization: Bearer {person().token}", f"Authorization: {second}")
    assert answer.startswith(b"HTTP/1.1 400")
    assert wire.arrived == []


def test_of_many_cookie_headers_the_session_counts_once(rig, wire, person):
    ada = person()
    assert send(rig, "GET", "Cookie: a=1", f"Cookie: slipway-session={ada.value}").startswith(b"HTTP/1.1 200")
    assert send(rig, "GET", cookie(ada), cookie(ada)).startswith(b"HTTP/1.1 401")
    assert wire.arrived[0].headers["cookie"] == "a=1"


@pytest.mark.parametrize(
    "set_cookie",
    [
        "slipway-session=forged; Path=/",
        "Slipway-Session=forged; Domain=localhost; SameSite=None; Secure; Partitioned",
        " slipway-session =forged",
        "\tslipway-login=forged",
        "slipway-login=; Max-Age=0",
        "slipway-session",
        "=slipway-session=forged",
        "__Host-slipway-session=forged; Secure; Path=/",
        "__HOST-SLIPWAY-login=forged; Secure; Path=/",
        "\xa0__Host-slipway-session=forged; Domain=localhost",
        "\x85slipway-login=forged; Domain=localhost",
        "slip\xa0way-session=forged",
        "\xe3\x80\x80slipway-session=forged",
    ],
)
def test_an_app_can_not_set_our_cookies(rig, app_id, person, set_cookie):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie:{set_cookie}\r\nSet-Cookie: mine=1\r\n"
    raw = (head + 'Clear-Site-Data: "cookies"\r\n\r\nok').encode("latin-1")
    with wire_app(raw) as evil:
        rig.route(HOST, target(evil.port), app=app_id, access=TENANT)
        answer = person().ask()
    assert answer.headers["set-cookie"] == "mine=1"
    assert answer.headers["clear-site-data"] == '"cookies"'


def test_a_websocket_has_the_identity_and_no_session(rig, app, person):
    with closing(open_socket(rig, headers={**person().headers, "X-Forwarded-User": "root"})):
        received = app.record.requests[0].headers
    assert received["x-forwarded-user"] == "ada"
    assert received["cookie"] == "theme=dark"
