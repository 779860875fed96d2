"""Who may use an app changes while a request is on its way: it is not sent to where nobody asked whether it may go."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from edge_publisher import HOST, target

from tests.fixtures.waiting import eventually

PATIENT = {"waiting": {"timeout_s": 60}}  # no test waits for its end: a busy host may take long until all requests wait


@pytest.fixture
def rig(emptied_rig):
    return emptied_rig


def must_come_again(rig, answer):
    eventually(lambda: (rig.edge.status["inflight"], rig.edge.status["bodies"]) == ({}, {}))
    return (answer.status, answer.json["code"]) == (503, "service-unavailable") and "retry-after" in answer.headers


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"x" * 200_000)])
def test_a_request_that_waited_is_refused(rig, backend, pool, app_id, method, body):
    app = backend()
    rig.route(HOST, app=app_id, **PATIENT)
    asked = pool.submit(rig.edge.ask, HOST, "/", method, body=body)
    rig.waits(app_id, 1)

    rig.route(HOST, target(app.port), app=app_id, access="friends", **PATIENT)

    assert must_come_again(rig, asked.result())
    assert app.record.requests == []


def test_a_request_that_waited_behind_the_cap_is_refused(rig, backend, pool, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, **PATIENT)
    first = pool.submit(rig.edge.ask, HOST, "/slow")
    eventually(lambda: rig.edge.status["inflight"])
    second = pool.submit(rig.edge.ask, HOST, "/second")
    rig.waits(app_id, 1)

    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, access="friends", **PATIENT)
    app.release.set()

    assert first.result().status == 200
    assert must_come_again(rig, second.result())
    assert "/second" not in app.record.counts()


@pytest.mark.parametrize("length", [10, 200_000])
def test_an_upload_that_was_slow_is_refused(rig, backend, app_id, length):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id)
    head = (
        f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\nConnection: close\r\n"
    )
    with closing(rig.edge.raw(f"{head}\r\n".encode())) as connection:
        stream = connection.makefile("rb")
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"  # the body is read: the gate of access has passed it

        rig.route(HOST, target(app.port), app=app_id, access="friends")
        connection.sendall(b"x" * length)
        answer = stream.read()

    assert b"HTTP/1.1 503 " in answer
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == "service-unavailable"
    eventually(lambda: (rig.edge.status["inflight"], rig.edge.status["bodies"]) == ({}, {}))
    assert app.record.requests == []


def test_an_upload_that_was_slow_goes_on_where_access_is_the_same(rig, backend, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id)
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with closing(rig.edge.raw(head.encode())) as connection:
        stream = connection.makefile("rb")
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"

        rig.route(HOST, target(app.port), app=app_id, access="public", max_concurrency=7)
        connection.sendall(b"ab")

        assert b'"length": 2' in stream.read()


@pytest.mark.parametrize("waiting", [{"timeout_s": 60}, {"requests": 0}], ids=["that may wait", "that may not"])
def test_a_request_that_no_target_took_is_not_sent_to_the_next(rig, backend, black_hole, pool, app_id, waiting):
    """One that may wait passes all gates anew, and is judged by the new policy."""
    app = backend()
    more = {"app": app_id, "timeouts": {"connect_s": 3, "read_s": 60}, "waiting": waiting}
    rig.route(HOST, target(black_hole.port), **more)
    asked = pool.submit(rig.edge.ask, HOST)
    eventually(lambda: rig.edge.status["inflight"])

    rig.route(HOST, target(app.port), access="friends", **more)

    assert asked.result().json["code"] == ("service-unavailable" if waiting == {"requests": 0} else "broken-route")
    assert app.record.requests == []
