"""A caller changes between the gate of access and the target: while a body comes in, while the request waits, and when
its target fails."""

from __future__ import annotations

import http.client
import json
from contextlib import closing, suppress

import pytest
from edge_publisher import HOST, target
from edge_router import TENANT

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

PATIENT = {"waiting": {"timeout_s": 60}, "access": TENANT}


def nobody_any_more(rig, router, person):
    """And the edge knows it."""
    del router.callers[person.value]
    person.change()


WAITING = [
    ("GET", {}, 401),
    ("GET", {"headers": {"Accept": "text/html"}}, 302),
    ("POST", {"body": b"x" * 200_000}, 401),
]


@pytest.mark.parametrize(("method", "more", "status"), WAITING)
def test_who_waited_for_a_target_is_judged_anew(rig, router, app, person, pool, method, more, status):
    ada, route = person(), {"app": f"of-{app.port}", **PATIENT}
    rig.route(HOST, **route)
    asked = pool.submit(ada.ask, "/", method, **more)
    rig.waits(route["app"], 1)
    nobody_any_more(rig, router, ada)

    rig.route(HOST, target(app.port), **route)

    answer = asked.result()
    assert (answer.status, "location" in answer.headers) == (status, status == 302)
    assert app.record.requests == []
    eventually(lambda: (rig.edge.status["inflight"], rig.edge.status["bodies"]) == ({}, {}))


def test_who_waited_goes_on_where_the_change_took_nothing_away(rig, router, backend, person, pool, app_id):
    app, ada = backend(), person()
    rig.route(HOST, app=app_id, **PATIENT)
    asked = pool.submit(ada.ask)
    rig.waits(app_id, 1)
    ada.change()
    rig.route(HOST, target(app.port), app=app_id, **PATIENT)

    assert asked.result().status == 200
    assert app.record.requests[0].headers["x-forwarded-user"] == "ada"


def test_who_waited_behind_the_cap_is_judged_anew(rig, router, backend, person, pool, app_id):
    app, ada, bob = backend(), person(), person("bob")
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, **PATIENT)
    first = pool.submit(bob.ask, "/slow")
    eventually(lambda: app.record.counts()["/slow"] == 1)
    second = pool.submit(ada.ask, "/second")
    rig.waits(app_id, 1)
    del router.callers[ada.value]
    ada.change()
    assert second.result().status == 401
    app.release.set()

    assert first.result().status == 200
    assert "/second" not in app.record.counts()


@pytest.mark.parametrize("length", [10, 200_000])
def test_an_upload_that_was_slow_is_judged_anew(rig, app, router, person, length):
    ada = person()
    head = (
        f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n"
        f"Cookie: slipway-session={ada.value}\r\nConnection: close\r\n"
    )
    with closing(rig.edge.raw(f"{head}\r\n".encode())) as connection:
        reader = connection.makefile("rb")
        assert reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        nobody_any_more(rig, router, ada)
        connection.sendall(b"x" * length)
        answer = reader.read()

    assert b"HTTP/1.1 401 " in answer
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == "sign-in-needed"
    assert app.record.requests == []


def test_a_request_that_no_target_took_keeps_its_caller(rig, router, backend, person, pool, app_id):
    """Its headers no longer have the credentials when it is requeued."""
    app, ada = backend(), person()
    rig.route(HOST, target(free_port()), app=app_id, **PATIENT)
    by_cookie = pool.submit(ada.ask)
    by_token = pool.submit(rig.edge.ask, HOST, headers={"Authorization": f"Bearer {ada.token}"})
    rig.waits(app_id, 2)

    rig.route(HOST, target(app.port), app=app_id, **PATIENT)

    assert [by_cookie.result().status, by_token.result().status] == [200, 200]
    for seen in app.record.requests:
        assert seen.headers["x-forwarded-user"] == "ada"
        assert "authorization" not in seen.headers
        assert "slipway-session" not in seen.headers.get("cookie", "")


def test_a_request_that_no_target_took_is_judged_anew(rig, router, backend, person, pool, app_id):
    app, ada = backend(), person()
    rig.route(HOST, target(free_port()), app=app_id, **PATIENT)
    asked = pool.submit(ada.ask)
    rig.waits(app_id, 1)
    nobody_any_more(rig, router, ada)

    rig.route(HOST, target(app.port), app=app_id, **PATIENT)

    assert asked.result().status == 401
    assert app.record.requests == []


def test_after_a_change_no_second_target_is_tried(rig, router, backend, black_hole, person, pool, app_id):
    """The balancer can't ask the router: the client has to come again, or is cut off by then."""
    app, ada = backend(), person()
    more = {"app": app_id, "timeouts": {"connect_s": 3, "read_s": 60}, "waiting": {"requests": 0}, "access": TENANT}
    rig.route(HOST, target(black_hole.port), **more)
    asked = pool.submit(ada.ask)
    eventually(lambda: rig.edge.status["inflight"])
    nobody_any_more(rig, router, ada)

    rig.route(HOST, target(app.port), **more)

    with suppress(http.client.RemoteDisconnected):
        assert asked.result().json["code"] == "service-unavailable"
    assert app.record.requests == []
