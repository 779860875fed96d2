"""HTTP/1.0 and what was before it: one answer, and never two readings."""

from __future__ import annotations

import pytest
from edge_publisher import target
from edge_wire import AFTER, exchange, statuses, wire_app

ASK = b"GET /x HTTP/1.0\r\nHost: shop.localhost\r\n\r\n"


@pytest.fixture(scope="module")
def rig(watched_rig):
    return watched_rig


@pytest.fixture
def app(rig):
    with wire_app() as made:
        rig.route("shop.localhost", target(made.port))
        yield made


def test_a_chunked_body_is_refused(rig, app):
    fields = b"\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
    data = ASK.replace(b"GET", b"POST").replace(b"\r\n\r\n", fields) + b"4\r\nbody\r\n0\r\n\r\n"

    assert statuses(exchange(rig.edge, data + AFTER)) == [400]
    assert app.arrived == []


def test_it_ends_after_one_answer(rig, app):
    assert statuses(exchange(rig.edge, ASK + AFTER)) == [200]
    assert app.paths == ["/x"]
    app.arrived[0].assert_unambiguous()


def test_it_goes_on_where_that_is_asked_for(rig, app):
    kept = ASK.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")

    assert statuses(exchange(rig.edge, kept + AFTER)) == [200, 200]


def test_an_answer_in_chunks_reaches_it_without(rig, app):
    app.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"

    found = exchange(rig.edge, ASK)

    assert b"Transfer-Encoding" not in found
    assert found.endswith(b"\r\n\r\nok")


def test_without_a_host_it_reaches_nobody(rig, app):
    answer = exchange(rig.edge, b"GET /x HTTP/1.0\r\n\r\n")

    assert statuses(answer) == [400]
    assert b'"code":"bad-request"' in answer
    assert app.arrived == []


def test_http_0_9_reaches_nobody(rig, app):
    assert b'"code":"bad-request"' in exchange(rig.edge, b"GET /x\r\n")
    assert app.arrived == []
