"""What could become another request, or another header, once it is HTTP/1.1."""

from __future__ import annotations

import json

import pytest
from edge_publisher import target
from edge_tls import Http2Client, Stream
from edge_wire import wire_app

from tests.fixtures.waiting import eventually

PSEUDO = [(":method", "GET"), (":scheme", "https"), (":authority", "shop.localhost"), (":path", "/x")]
RESET = "reset"


def but(**values: str) -> list[tuple[str, str]]:
    return [(name, values.get(name[1:], value)) for name, value in PSEUDO]


def without(*names: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in PSEUDO if name not in names]


# What a client sends, and the status that it gets, or that its stream is reset.
ABUSES = {
    "upper-case name": ([*PSEUDO, ("X-Forwarded-User", "evil")], RESET),
    "line end in a value": ([*PSEUDO, ("x-own", "a\r\nx-forwarded-user: evil")], RESET),
    "line end in a name": ([*PSEUDO, ("x-own: a\r\nx-forwarded-user", "evil")], RESET),
    "colon in a name": ([*PSEUDO, ("x-forwarded-user:", "evil")], RESET),
    "space in a name": ([*PSEUDO, ("x-forwarded-user ", "evil")], RESET),
    "null byte": ([*PSEUDO, ("x-own", "e\0vil")], RESET),
    "line end in the path": (but(path="/x HTTP/1.1\r\nX-Own: evil\r\n\r\nGET /y"), RESET),
    "line end in the method": (but(method="GET / HTTP/1.1\r\nX: y\r\n\r\nGET"), RESET),
    "line end in the authority": (but(authority="shop.localhost\r\nX-Own: evil"), RESET),
    "line end in the scheme": (but(scheme="https\r\nX-Own: evil"), RESET),
    "space in the path": (but(path="/x y"), 400),
    "empty path": (but(path=""), 400),
    "absolute path": (but(path="http://other.localhost/x"), 400),
    "asterisk": (but(path="*"), 400),
    "encoded null byte": (but(path="/x%00"), 400),
    "above the root": (but(path="/../x"), 400),
    "space in the method": (but(method="GET /y"), 400),
    "CONNECT": ([(":method", "CONNECT"), (":authority", "shop.localhost:80")], 400),
    "TRACE": (but(method="TRACE"), 405),
    "empty authority": (but(authority=""), 400),
    "no authority": (without(":authority"), 400),
    "authority and another host": ([*PSEUDO, ("host", "other.localhost")], 400),
    "user in the authority": (but(authority="other@shop.localhost"), 400),
    "a semicolon in the authority": (but(authority="shop;x.localhost"), 400),
    "a port that is none": (but(authority="shop.localhost:x"), 400),
    "two paths": ([*PSEUDO, (":path", "/y")], 400),
    "no path": (without(":path"), 400),
    "unknown pseudo-header": ([*PSEUDO, (":own", "x")], 400),
    "upgrade": ([*PSEUDO, ("connection", "upgrade"), ("upgrade", "websocket")], 400),
    "upgrade to something": ([*PSEUDO, ("upgrade", "h2c")], 400),
    "an encoding that is none": ([*PSEUDO, ("transfer-encoding", "xchunked")], 501),
    "length too short": ([*but(method="POST"), ("content-length", "2")], 400),
    "length too long": ([*but(method="POST"), ("content-length", "9")], 400),
    "length with a plus": ([*but(method="POST"), ("content-length", "+4")], 400),
    "length twice": ([*but(method="POST"), ("content-length", "4"), ("content-length", "4")], 400),
}


@pytest.fixture
def rig(secure):
    return secure.rig


@pytest.fixture
def client(secure):
    with secure.http2() as made:
        yield made


def ask_raw(client: Http2Client, fields: list[tuple[str, str]], body: bytes | None = None) -> Stream:
    number = client.h2.get_next_available_stream_id()
    client.streams[number] = Stream()
    client.h2.send_headers(number, fields, end_stream=body is None)
    if body is not None:
        client.h2.send_data(number, body, end_stream=True)
    client.flush()
    return client.read(number)


@pytest.mark.parametrize(("fields", "outcome"), list(ABUSES.values()), ids=list(ABUSES))
def test_a_request_that_breaks_a_rule_reaches_no_app(rig, client, fields, outcome):
    with wire_app() as app:
        rig.route("shop.localhost", target(app.port))
        stream = ask_raw(client, fields, b"body" if ("POST" in dict(fields).values()) else None)

        assert (RESET if stream.reset is not None else stream.status) == outcome
        assert app.arrived == []
        assert ask_raw(client, PSEUDO).status == 200  # the connection lives on
        app.arrived[0].assert_unambiguous()


@pytest.mark.parametrize("host", ["shop.localhost", "slipway.localhost"])
def test_a_stream_that_was_reset_for_what_it_said_is_logged_as_400(rig, secure, host):
    with secure.http2(host=host) as client:
        assert ask_raw(client, [*PSEUDO, ("X-Reset", "x"), (":path", f"/{host}")]).reset is not None
        answer = client.ask("/", host="nobody.localhost")
    log = rig.edge.settings.log_dir / "edge-access.log"

    eventually(lambda: answer.headers["x-request-id"] in log.read_text())
    of_connection = answer.headers["x-request-id"].rpartition("-")[0]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["status"] for line in lines if line["request_id"].startswith(of_connection + "-")] == [400, 404]
