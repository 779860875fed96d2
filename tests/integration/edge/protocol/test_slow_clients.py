"""Clients that hold a connection by saying next to nothing: bounded by time. The edge's limits are shortened here."""

from __future__ import annotations

import socket
from contextlib import closing, suppress

import pytest
from edge_publisher import target
from edge_rig import DEADLINE_S, running
from edge_tls import running_with_https
from edge_wire import exchange, statuses

from tests.fixtures.waiting import eventually

SHORT = {
    "client_header_timeout 30s;": "client_header_timeout 300ms;",
    "client_body_timeout 60s;": "client_body_timeout 300ms;",
    "send_timeout 60s;": "send_timeout 1s;",
}
HEAD = b"POST /x HTTP/1.1\r\nHost: shop.localhost\r\n"


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    with running_with_https(
        tmp_path_factory.mktemp("tls"), {"SLIPWAY_EDGE_WORKERS": "1"}, {"body_spare_s": 0.5}, SHORT
    ) as made:
        yield made
        assert made.rig.edge.complaints == []


@pytest.fixture(scope="module")
def brisk_rig():
    with running({}, {"body_spare_s": 0.5}) as made:
        yield made
        assert made.edge.complaints == []


def has_ended(connection: socket.socket, piece: bytes) -> bool:
    """Send a little more, unless the edge has ended the connection: by closing it or, with bytes of ours unread, by
    resetting it."""
    try:
        with suppress(TimeoutError):
            return connection.recv(4096) == b""
        connection.sendall(piece)
    except ConnectionError:
        return True
    return False


@pytest.fixture
def rig(secure, backend):
    secure.rig.route("shop.localhost", target(backend().port))
    return secure.rig


def test_dribbled_headers_end_in_time(rig):
    with closing(rig.edge.raw(HEAD)) as connection:
        connection.settimeout(0.05)

        eventually(lambda: has_ended(connection, b"X: y\r\n"))


@pytest.mark.parametrize("fields", [b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_that_stops_coming_ends_in_time(rig, fields):
    said = exchange(rig.edge, HEAD + fields + b"\r\n5\r\nbo")

    assert statuses(said) in ([], [408])


@pytest.mark.parametrize("fields", [b"Content-Length: 1000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_that_comes_byte_by_byte_ends_in_time(brisk_rig, backend, fields):
    app = backend()
    brisk_rig.route("shop.localhost", target(app.port), max_body_bytes=1000)
    piece = b"b" if b"Length" in fields else b"1\r\nb\r\n"
    with closing(brisk_rig.edge.raw(HEAD + fields + b"\r\n")) as connection:
        connection.settimeout(0.05)

        eventually(lambda: has_ended(connection, piece))
    assert not app.record.requests


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_that_comes_in_time_arrives(brisk_rig, backend, chunked):
    brisk_rig.route("shop.localhost", target(backend().port))
    body = iter([b"x" * 100_000] * 3) if chunked else b"x" * 300_000

    answer = brisk_rig.edge.ask("shop.localhost", method="POST", body=body, encode_chunked=chunked)

    assert (answer.status, answer.json["length"]) == (200, 300_000)


def test_a_reader_that_takes_next_to_nothing_is_let_go_of(rig):
    """The kernel reports room to nginx only once a good part of its buffer was read: so the time between two pieces is
    a least rate, too."""
    request = b"POST /flood HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 0\r\n\r\n"
    with closing(rig.edge.raw(request)) as connection:
        connection.settimeout(DEADLINE_S)
        assert connection.recv(1)
        eventually(lambda: rig.edge.status["inflight"])

        def is_let_go() -> bool:
            connection.recv(1)
            return rig.edge.status["inflight"] == {}

        eventually(is_let_go)


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


@pytest.mark.parametrize("host", ["shop.localhost", "slipway.localhost"])
def test_a_body_of_unknown_length_over_http2_is_counted_and_has_a_least_rate(secure, rig, host):
    with secure.http2(host) as client:
        number = client.begin("/", "POST", host=host, end=False)
        client.send(number, b"x" * 1000)
        eventually(lambda: 1000 <= rig.edge.status["bodies"].get("bytes client 127.0.0.1", 0) < 1 << 20)

        def is_let_go() -> bool:
            client.poll()
            if not (client.streams[number].is_over or client.is_gone):
                client.send(number, b"x")
                return False
            return True

        eventually(is_let_go)
        eventually(lambda: (rig.edge.status["bodies"], rig.edge.status["inflight"]) == ({}, {}))
