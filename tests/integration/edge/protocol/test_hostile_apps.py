"""What apps answer that two parsers could read in two ways, or that is meant for the edge rather than for the client:
framed anew, left out, or put in place of by the edge's own answer."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack

import pytest
from edge_publisher import target
from edge_wire import OK, Arrived, exchange, statuses, wire_app

HOP_BY_HOP = (
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Upgrade",
)
OF_EVERY_ANSWER = {b"Server", b"Date", b"Content-Length", b"Connection", b"X-Request-Id"}
OPEN = {"ejection": {"failures": 1000}, "breaker": {"failures": 1000}}
ASK = b"GET /x HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n"
KEPT = b"GET /x HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"
START = b"HTTP/1.1 200 OK\r\n"
SHORT = b"Content-Length: 2\r\n\r\nok"
COOKIE = b"Set-Cookie: __Host-slipway_session=evil"

REFRAMED = {
    "lengths that differ": (START + b"Content-Length: 5\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "a length twice": (START + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "length and chunks": (
        START + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"ok",
    ),
    "chunked twice": (START + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
    "chunk extensions": (START + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n", b"ok"),
    "more than the length": (START + SHORT + OK, b"ok"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + SHORT, b"ok"),
    "1500 headers": (START + b"".join(b"X-%d: a\r\n" % n for n in range(1500)) + SHORT, b"ok"),
}

# nginx takes none of these for an error: it would pass them on, byte by byte or as the final answer.
NO_ANSWERS = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "100, a thousand times": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + OK,
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n" + OK,
    "103, compressed": b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n" + OK,
    "101 that was not asked for": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nraw",
    "status 0": b"HTTP/1.1 000 None\r\n" + COOKIE + b"\r\n" + SHORT,
    "two digits": b"HTTP/1.1 20 OK\r\n" + COOKIE + b"\r\n" + SHORT,
    "no status": b"HTTP/1.1\r\n" + COOKIE + b"\r\n" + SHORT,
    "no HTTP": b"hello\r\n" + COOKIE + b"\r\n",
    "an empty line before": b"\r\nHTTP/1.1 200 OK\r\n" + COOKIE + b"\r\n" + SHORT,
    "lower case": b"http/1.1 200 OK\r\n" + COOKIE + b"\r\n" + SHORT,
    "a space before": b" HTTP/1.1 200 OK\r\n" + COOKIE + b"\r\n" + SHORT,
    "HTTP/2": b"HTTP/2 200\r\n" + COOKIE + b"\r\n" + SHORT,
    "a bare CR in the status line": b"HTTP/1.1 200 OK\r" + COOKIE + b"\r\n" + SHORT,
}

FAILURES = {
    "a header of 20 KB": START + b"X-Own: " + b"a" * 20000 + b"\r\n" + SHORT,
    "headers of 64 KB": START + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(64)) + SHORT,
    "a bare CR in a header": START + b"X-Own: a\r" + COOKIE + b"\r\n" + SHORT,
    "a null byte": START + b"X-Own: a\0b\r\n" + SHORT,
    "a folded header": START + b"X-Own: a\r\n " + COOKIE + b"\r\n" + SHORT,
    "a space before a colon": START + b"Set-Cookie : __Host-slipway_session=evil\r\n" + SHORT,
}

COOKIES = {
    "spaces": b"Set-Cookie:   __Host-slipway_session=evil",
    "a tab": b"set-cookie: \t__Host-slipway_session=evil",
    "behind a bare LF": b"X-Own: a\nSet-Cookie: __Host-slipway_session=evil",
    "no name": b"Set-Cookie: =__Host-slipway_session=evil",
    "no name, with spaces": b"Set-Cookie: = __Host-slipway_session=evil",
    "no value": b"Set-Cookie: __Host-slipway_session_evil",
    "longer": b"Set-Cookie: __Host-slipway_session_evil=1",
    "two spaces in the status line": COOKIE,
}


@pytest.fixture(scope="module")
def rig(watched_rig):
    return watched_rig


@pytest.fixture
def shop(rig):
    """Routes to an app that answers so."""
    with ExitStack() as apps:

        def start(answer):
            app = apps.enter_context(wire_app(answer))
            rig.route("shop.localhost", target(app.port), **OPEN)

        yield start


def table(rows):
    return pytest.mark.parametrize("row", list(rows.values()), ids=list(rows))


def lines(fields: list[str]) -> bytes:
    return "".join(f"{field}\r\n" for field in fields).encode()


def names_in(answer: bytes) -> set[bytes]:
    return {line.partition(b":")[0] for line in head_of(answer).split(b"\r\n")[1:]}


def head_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[0]


def body_of(answer: bytes) -> bytes:
    body = answer.partition(b"\r\n\r\n")[2]
    return body.split(b"\r\n")[1] if b"chunked" in head_of(answer) else body


@table(REFRAMED)
def test_an_answer_reaches_the_client_with_one_length(rig, shop, row):
    answer, body = row
    shop(answer)

    found = exchange(rig.edge, ASK)

    head = head_of(found)
    assert head.count(b"Content-Length") + head.count(b"Transfer-Encoding") == 1
    assert b"chunked" in head or b"Content-Length: 2\r\n" in head
    assert body_of(found) == body


@table(NO_ANSWERS)
def test_what_is_no_final_answer_is_502_and_the_apps_fault(rig, shop, row):
    shop(row)

    found = exchange(rig.edge, KEPT)

    assert statuses(found) == [502]
    assert b"evil" not in found
    assert b"Content-Encoding" not in head_of(found)
    assert b"X-Request-Id: " in head_of(found)
    problem = json.loads(body_of(found))
    assert (problem["code"], problem["fault"]) == ("broken-answer", "app")


@table(NO_ANSWERS)
def test_so_it_is_when_nothing_but_the_head_was_asked_for(rig, shop, row):
    shop(row)

    found = exchange(rig.edge, KEPT.replace(b"GET", b"HEAD"))

    assert statuses(found) == [502]
    assert found.endswith(b"\r\n\r\n")


@table(FAILURES)
def test_a_head_that_breaks_a_rule_is_502(rig, shop, row):
    shop(row)

    found = exchange(rig.edge, ASK)

    assert statuses(found) == [502]
    assert json.loads(body_of(found))["code"] == "replica-failed"
    assert b"evil" not in found


@table(COOKIES)
def test_slipways_cookies_can_not_be_set_in_any_spelling(rig, shop, row):
    shop(START.replace(b" 200", b"  200" if row is COOKIE else b" 200") + row + b"\r\nSet-Cookie: mine=1\r\n" + SHORT)

    found = exchange(rig.edge, ASK)

    assert statuses(found) == [200]
    assert b"evil" not in found
    assert b"mine=1" in found


def test_slipways_cookie_is_not_lost_in_a_crowd(rig, shop):
    """Lua is shown a hundred values of a header at most."""
    crowd = b"".join(b"Set-Cookie: a%d=1\r\n" % number for number in range(150))
    shop(START + crowd + COOKIE + b"\r\n" + SHORT)

    found = exchange(rig.edge, ASK)

    assert b"a0=1" in found
    assert b"evil" not in found


def test_orders_to_nginx_and_headers_between_two_neighbours_stay_at_the_edge(rig, shop):
    orders = [f"X-Accel-{name}: 1" for name in ("Redirect", "Expires", "Limit-Rate", "Buffering", "Charset")]
    shop(START + "".join(f"{name}: 1\r\n" for name in (*HOP_BY_HOP, "X-Request-Id")).encode() + lines(orders) + SHORT)

    assert names_in(exchange(rig.edge, ASK)) == OF_EVERY_ANSWER


@pytest.mark.parametrize(
    "connection",
    ["X-Own", "x-own", "close, X-Own", "keep-alive,X-OWN ,X-Other", "X-Own\t,", ", X-Own, no header, Upgrade"],
)
@pytest.mark.parametrize("status", ["200 OK", "304 Not Modified", "503 Busy"])
def test_headers_that_an_app_names_in_connection_stay_at_the_edge(rig, shop, connection, status):
    own = lines([f"Connection: {connection}", "X-Own: 1", "X-Own: 2", "X-Kept: 1"])
    shop(f"HTTP/1.1 {status}\r\n".encode() + own + SHORT)

    assert names_in(exchange(rig.edge, ASK)) == {*OF_EVERY_ANSWER, b"X-Kept"}


def test_what_the_edge_says_itself_is_not_named_away(rig, shop):
    shop(START + b"Connection: Content-Length, Date, Server, X-Request-Id, Connection, Transfer-Encoding\r\n" + SHORT)

    found = exchange(rig.edge, ASK)

    assert names_in(found) == OF_EVERY_ANSWER
    assert body_of(found) == b"ok"


@pytest.mark.parametrize(("status", "says"), [("426 Upgrade Required", True), ("200 OK", False), ("400 Bad", False)])
def test_an_app_names_a_protocol_only_where_it_asks_for_it(rig, shop, status, says):
    shop(f"HTTP/1.1 {status}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n".encode() + SHORT)

    assert (b"Upgrade" in names_in(exchange(rig.edge, ASK))) is says


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("length", [b"0", b"2"])
def test_204_has_no_length(rig, shop, length, method):
    shop(b"HTTP/1.1 204 No Content\r\nContent-Length: " + length + b"\r\n\r\nok")

    found = exchange(rig.edge, ASK.replace(b"GET", method))

    assert names_in(found) == OF_EVERY_ANSWER - {b"Content-Length"}
    assert body_of(found) == b""


@pytest.mark.parametrize("asked", [b"h2c", b"foo", b"websocket, h2c"])
def test_an_app_switches_to_no_protocol_but_websocket(rig, shop, asked):
    shop(b"HTTP/1.1 101 Switching\r\nUpgrade: " + asked + b"\r\nConnection: upgrade\r\n\r\n")

    found = exchange(rig.edge, KEPT.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: " + asked + b"\r\n\r\n"))

    assert statuses(found) == [502]


@pytest.mark.parametrize(
    "answer",
    [
        START + b"Content-Length: 200\r\n\r\nok",
        START + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        START + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n",
    ],
    ids=["length", "chunks", "no chunk"],
)
def test_an_answer_that_is_cut_off_is_cut_off_at_the_client_too(rig, shop, answer):
    def cut(_: Arrived, connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    shop(cut)

    found = exchange(rig.edge, KEPT + KEPT)

    assert len(statuses(found)) <= 1  # the connection ends with it
    assert not found.endswith(b"0\r\n\r\n")


def test_bytes_that_an_app_sends_unasked_reach_no_request(rig, shop):
    """On a kept connection, after an answer: the next request must not take them for its own."""

    def poison(request: Arrived, connection: socket.socket) -> None:
        own = request.path.encode()
        connection.sendall(START + b"Content-Length: %d\r\n\r\n%s" % (len(own), own) + START + SHORT)

    shop(poison)

    answers = [exchange(rig.edge, ASK.replace(b"/x", b"/%d" % number)) for number in range(20)]

    assert [body_of(answer) for answer in answers] == [b"/%d" % number for number in range(20)]
