"""Clients that hold a connection by saying next to nothing: bounded by time. The edge's limits are shortened here."""

from __future__ import annotations

import socket
from contextlib import closing, suppress

import pytest
from edge_publisher import target
from edge_rig import DEADLINE_S, eventually
from edge_tls import running_with_https
from edge_wire import exchange, statuses

SHORT = {
    "client_header_timeout 30s;": "client_header_timeout 300ms;",
    "client_body_timeout 60s;": "client_body_timeout 300ms;",
}
HEAD = b"POST /x HTTP/1.1\r\nHost: shop.localhost\r\n"


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    with running_with_https(tmp_path_factory.mktemp("tls"), {"SLIPWAY_EDGE_WORKERS": "1"}, conf=SHORT) as made:
        yield made
        assert made.rig.edge.complaints == []


@pytest.fixture
def rig(secure, backend):
    secure.rig.route("shop.localhost", target(backend().port))
    return secure.rig


def test_dribbled_headers_end_in_time(rig):
    with closing(rig.edge.raw(HEAD)) as connection:
        connection.settimeout(0.05)

        def dribble() -> bool:
            with suppress(TimeoutError):
                return connection.recv(4096) == b""
            connection.sendall(b"X: y\r\n")
            return False

        eventually(dribble)


@pytest.mark.parametrize("fields", [b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_that_stops_coming_ends_in_time(rig, fields):
    said = exchange(rig.edge, HEAD + fields + b"\r\n5\r\nbo")

    assert statuses(said) in ([], [408])


def test_a_handshake_that_never_begins_ends_in_time(secure):
    with closing(socket.create_connection(("127.0.0.1", secure.port), timeout=DEADLINE_S)) as connection:
        assert connection.recv(4096) == b""


def test_a_stream_whose_body_stops_coming_ends_in_time_and_the_connection_does_not(secure, rig):
    with secure.http2() as client:
        number = client.begin("/", "POST", end=False)
        client.send(number, b"x" * 1000)

        assert client.read(number).reset is not None
        eventually(lambda: rig.edge.status["inflight"] == {})
        assert client.ask().status == 200
