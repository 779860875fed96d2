"""Clients that hold a connection by saying next to nothing: bounded by time. The edge's limits are shortened here."""

from __future__ import annotations

from contextlib import closing, suppress

import pytest
from edge_rig import eventually, running
from edge_wire import exchange, statuses

SHORT = {
    "client_header_timeout 30s;": "client_header_timeout 300ms;",
    "client_body_timeout 60s;": "client_body_timeout 300ms;",
}
HEAD = b"POST /x HTTP/1.1\r\nHost: shop.localhost\r\n"


@pytest.fixture(scope="module")
def rig():
    with running({"SLIPWAY_EDGE_WORKERS": "1"}, conf=SHORT) as made:
        made.route("shop.localhost", waiting={"timeout_s": 0})
        yield made


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
