"""WebSockets and streams that are open when their caller, or the app's policies, change."""

from __future__ import annotations

import socket
import time
from contextlib import closing, contextmanager, suppress

import pytest
from edge_clients import echo, open_socket
from edge_people import ENVIRON, Person
from edge_publisher import HOST, target
from edge_router import PATIENT, TENANT, Caller, changed, stub_router
from edge_tls import running_with_https

from tests.fixtures.waiting import eventually


@contextmanager
def stream(rig, headers, path="/stream", accept="text/event-stream"):
    """A response that goes on for ever, with its first bytes read."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Accept": accept}.items())
    with closing(rig.edge.raw(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n".encode())) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        yield connection


def is_closed(connection):
    """Reads what there is. A connection that was shut down ends, or is reset."""
    connection.settimeout(0.02)
    try:
        while connection.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def goes_on(connection):
    connection.settimeout(30)
    return echo(connection, b"still here") == b"still here"


def nobody_any_more(router, person):
    del router.callers[person.value]


def test_a_websocket_and_a_stream_of_who_is_nobody_any_more_are_closed_and_others_go_on(rig, app, router, person):
    ada, bob = person(), person("bob")
    with (
        closing(open_socket(rig, headers=ada.headers)) as socket_of_ada,
        closing(open_socket(rig, headers=bob.headers)) as socket_of_bob,
        stream(rig, ada.headers) as stream_of_ada,
        stream(rig, bob.headers) as stream_of_bob,
    ):
        nobody_any_more(router, ada)
        ada.change()
        for connection in (socket_of_ada, stream_of_ada):
            eventually(lambda connection=connection: is_closed(connection))
        assert goes_on(socket_of_bob)
        assert not is_closed(stream_of_bob)
        assert bob.value not in [asked["cookie"] for asked in router.questions[2:]]
    app.release.set()
    eventually(lambda: rig.edge.status["inflight"] == {})


def test_a_change_that_takes_nothing_away_closes_nothing(rig, app, router, person):
    ada = person()
    with closing(open_socket(rig, headers=ada.headers)) as connection:
        ada.change()
        eventually(lambda: len(router.questions) == 2)
        assert router.questions[1]["request_id"] == ""
        assert goes_on(connection)
        ada.caller.meets = ("signed-in",)
        ada.change()
        eventually(lambda: is_closed(connection))


def test_it_is_closed_when_the_session_ends_by_itself(rig, app, router, person):
    ada = person(more={"expires_at": time.time() + 1})
    with closing(open_socket(rig, headers=ada.headers)) as connection:
        assert goes_on(connection)
        eventually(lambda: is_closed(connection))


def test_it_goes_on_when_the_session_was_prolonged(rig, app, router, person):
    ada = person(more={"expires_at": time.time() + 1})
    with closing(open_socket(rig, headers=ada.headers)) as connection:
        ada.caller.more["expires_at"] = None
        eventually(lambda: len(router.questions) == 2)
        assert goes_on(connection)


def test_a_change_is_enough_where_the_router_can_not_say_who_calls(rig, app, router, person):
    ada, bob = person(), person("bob")
    with (
        closing(open_socket(rig, headers=ada.headers)) as of_ada,
        closing(open_socket(rig, headers=bob.headers)) as of_bob,
    ):
        router.instead = lambda handler: handler.send(503, {})
        changed(rig.redis.client, "all")
        eventually(lambda: {asked["cookie"] for asked in router.questions[2:]} == {ada.value, bob.value})
        ada.change()
        eventually(lambda: is_closed(of_ada))
        assert goes_on(of_bob)
        router.instead = None
        asked = len(router.questions)
        eventually(lambda: len(router.questions) > asked)
        assert goes_on(of_bob)


def test_after_all_have_fallen_those_who_may_still_go_on(rig, app, router, person):
    people = [person(name) for name in ("ada", "bob", "eve")]
    sockets = [open_socket(rig, headers=each.headers) for each in people]
    nobody_any_more(router, people[0])
    changed(rig.redis.client, "all")
    eventually(lambda: is_closed(sockets[0]))
    eventually(lambda: len(router.questions) == 6)
    assert [goes_on(each) for each in sockets[1:]] == [True, True]
    for each in sockets:
        each.close()


def test_an_answer_that_takes_long_is_cut_off(rig, app, router, person):
    """Nothing says of this one that it is a stream."""
    ada = person()
    with stream(rig, ada.headers, accept="*/*") as connection:
        nobody_any_more(router, ada)
        ada.change()
        eventually(lambda: is_closed(connection))
    app.release.set()


@pytest.mark.parametrize("before", [TENANT, "public"], ids=["of one who was known", "of nobody"])
def test_another_policy_closes_what_the_old_one_let_in(rig, backend, router, person, app_id, before):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, access=before)
    with closing(open_socket(rig, headers=person().headers)) as connection:
        rig.route(HOST, target(app.port, "another"), target(app.port), app=app_id, access=before)
        assert goes_on(connection)
        rig.route(HOST, target(app.port), app=app_id, access={"policies": [["token"]], "default": 0})
        eventually(lambda: is_closed(connection))


@pytest.fixture
def over_https(tmp_path_factory, backend, app_id):
    with (
        running_with_https(tmp_path_factory.mktemp("tls"), ENVIRON, PATIENT) as secure,
        stub_router(secure.rig.edge.settings.router_internal_socket) as router,
    ):
        secure.rig.route(HOST, target(backend().port), app=app_id, access=TENANT)
        router.callers["f" * 43] = Caller("1")
        yield secure, router, Person(secure.rig, router.callers["f" * 43], "f" * 43)
        assert secure.rig.edge.complaints == []


def test_with_http2_the_connection_is_closed_and_after_a_reload_old_workers_close_theirs(over_https):
    secure, router, ada = over_https
    cookies, edge = ("cookie", f"__Host-slipway-session={ada.value}"), secure.rig.edge
    with secure.http2() as client:
        number = client.begin("/stream", headers=[cookies, ("accept", "text/event-stream")])
        client.read(number, 1)
        ada.caller.meets = ()
        ada.change()
        with suppress(ConnectionError):
            eventually(lambda: client.poll() or client.is_gone)
        assert client.is_gone

    ada.caller.meets = ("tenant",)
    ada.change()
    eventually(lambda: ada.ask().status == 200)
    with closing(open_socket(secure.rig, headers=ada.headers)) as connection:
        old = set(edge.status["workers"])
        edge.reload()
        eventually(lambda: edge.status["leader"] not in old)
        assert goes_on(connection)
        nobody_any_more(router, ada)
        ada.change()
        eventually(lambda: is_closed(connection))
    eventually(lambda: not old & set(edge.status["workers"]))


def test_a_client_that_reads_nothing_is_closed_too(rig, app, router, person):
    ada = person()
    with closing(open_socket(rig, headers=ada.headers)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        nobody_any_more(router, ada)
        ada.change()
        eventually(lambda: rig.edge.status["inflight"] == {})
