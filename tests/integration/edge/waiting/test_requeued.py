"""What no target took a connection of waits for the next: a replica died, and the table does not say so yet."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from contextlib import closing, suppress

import pytest
from edge_publisher import HOST, target

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

PATIENT = {"timeout_s": 60}  # no test waits for its end: a busy host may take long until all requests wait


@pytest.fixture
def rig(emptied_rig):
    return emptied_rig


def nothing_is_counted(rig):
    eventually(lambda: (rig.edge.status["inflight"], rig.edge.status["bodies"]) == ({}, {}))


@pytest.mark.parametrize(
    ("method", "body"), [("GET", None), ("POST", b"x" * 1000), ("POST", b"x" * 200_000), ("PURGE", b"x")]
)
def test_a_request_that_a_dead_target_refused_is_answered_by_its_successor(rig, backend, pool, app_id, method, body):
    rig.route(HOST, target(free_port(), "dead"), app=app_id, waiting=PATIENT)
    asked = [pool.submit(rig.edge.ask, HOST, "/", method, body=body) for _ in range(5)]
    rig.waits(app_id, 5)
    rig.route(HOST, app=app_id, waiting=PATIENT)
    rig.waits(app_id, 5)

    app = backend()
    rig.route(HOST, target(app.port, "dead"), app=app_id, waiting=PATIENT)

    answers = [each.result() for each in asked]
    assert Counter(answer.status for answer in answers) == {200: 5}
    assert {answer.json["length"] for answer in answers} == {len(body or b"")}
    assert len(app.record.requests) == 5
    rig.waits(app_id, 0)
    nothing_is_counted(rig)


def test_a_request_that_all_dead_targets_refused_is_answered_by_a_successor(rig, backend, pool, app_id):
    dead = [target(free_port()) for _ in range(4)]
    rig.route(HOST, *dead, app=app_id, waiting=PATIENT)
    asked = [pool.submit(rig.edge.ask, HOST, "/", "POST", body=b"x") for _ in range(5)]
    rig.waits(app_id, 5)

    rig.route(HOST, *dead[1:], target(backend().port), app=app_id, waiting=PATIENT)

    assert {each.result().status for each in asked} == {200}


def test_a_request_that_nothing_took_is_answered_by_its_successor(rig, backend, black_hole, pool, app_id):
    """A dead container's address does not refuse: it is silent."""
    quick = {"timeouts": {"connect_s": 0.2, "read_s": 60}, "waiting": PATIENT}
    rig.route(HOST, target(black_hole.port), app=app_id, **quick)
    asked = pool.submit(rig.edge.ask, HOST, "/", "POST", body=b"x")
    rig.waits(app_id, 1)

    rig.route(HOST, target(backend().port), app=app_id, **quick)

    assert asked.result().status == 200


def test_a_target_that_listens_again_is_asked_without_a_change_of_the_table(rig, backend, pool, app_id):
    port = free_port()
    rig.route(HOST, target(port), app=app_id, waiting=PATIENT)
    asked = [pool.submit(rig.edge.ask, HOST) for _ in range(5)]
    rig.waits(app_id, 5)

    backend(port=port)

    assert {each.result().status for each in asked} == {200}


def test_a_slot_is_given_back_meanwhile(rig, backend, pool, app_id):
    rig.route(HOST, target(free_port()), app=app_id, waiting=PATIENT, max_concurrency=1)
    asked = [pool.submit(rig.edge.ask, HOST) for _ in range(3)]
    rig.waits(app_id, 3)

    rig.route(HOST, target(backend().port), app=app_id, waiting=PATIENT, max_concurrency=1)

    assert {each.result().status for each in asked} == {200}
    assert rig.edge.ask(HOST).status == 200


def test_nobody_waits_twice_in_vain(rig, app_id):
    """The target stays in the table and refuses: the next requests fail at once."""
    rig.route(HOST, target(free_port()), app=app_id, waiting={"timeout_s": 2})
    began = time.monotonic()
    first = rig.edge.ask(HOST)
    waited_s = time.monotonic() - began
    began = time.monotonic()
    others = [rig.edge.ask(HOST, method=method) for method in ("GET", "POST", "GET")]

    assert {(answer.status, answer.json["code"]) for answer in (first, *others)} == {(502, "replica-failed")}
    assert waited_s > 1.9  # the clock of nginx stands still while it works
    assert time.monotonic() - began < 3 * 2, "each waited anew"
    assert "slipway logs" in first.json["remedy"]
    eventually(lambda: rig.edge.status["inflight"] == {})


@pytest.mark.parametrize("method", ["GET", "POST", "PURGE"])
def test_a_target_that_took_no_connection_has_no_request_even_after_a_wait(rig, black_hole, app_id, method):
    """It was never sent, and the answer says so, the first one's and all others'."""
    quick = {"timeouts": {"connect_s": 0.2, "read_s": 60}, "waiting": {"timeout_s": 1}}
    rig.route(HOST, target(black_hole.port), app=app_id, **quick)

    answers = [rig.edge.ask(HOST, method=method) for _ in range(3)]

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(504, "replica-unreachable")}
    assert all("the request was not sent to it" in answer.json["detail"] for answer in answers)


def test_a_get_that_its_only_target_died_of_is_answered_by_the_successor(rig, backend, pool, app_id):
    """It was sent and not answered: repeating it is safe. The target refuses it now."""
    app = backend(port=free_port())
    rig.route(HOST, target(app.port), app=app_id, waiting=PATIENT)
    asked = [pool.submit(rig.edge.ask, HOST, "/slow") for _ in range(5)]
    eventually(lambda: len(app.record.requests) == 5)
    app.die()
    rig.waits(app_id, 5)

    successor = backend()
    successor.release.set()
    rig.route(HOST, target(successor.port), app=app_id, waiting=PATIENT)

    assert {each.result().status for each in asked} == {200}
    nothing_is_counted(rig)


def test_a_get_that_replicas_die_of_takes_two_with_it(rig, backend, pool, app_id):
    apps = []
    asked = None
    for _ in range(2):
        apps.append(backend(port=free_port()))
        rig.route(HOST, target(apps[-1].port), app=app_id, waiting=PATIENT)
        asked = asked or pool.submit(rig.edge.ask, HOST, "/slow")
        eventually(lambda app=apps[-1]: len(app.record.requests) == 1)
        rig.waits(app_id, 0)
        apps[-1].die()
        if len(apps) == 1:
            rig.waits(app_id, 1)

    assert asked.result().status == 502
    nothing_is_counted(rig)


def test_a_get_that_is_reset_twice_ends(rig, backend, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, waiting=PATIENT)

    assert rig.edge.ask(HOST, "/die").status == 502
    assert app.record.counts() == {"/die": 2}


def test_a_post_that_was_sent_is_never_put_back(rig, backend, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, waiting=PATIENT)

    answer = rig.edge.ask(HOST, "/die", "POST", body=b"x")

    assert (answer.status, answer.json["code"]) == (502, "replica-failed")
    assert app.record.counts() == {"/die": 1}


def test_a_client_that_leaves_is_forgotten(rig, app_id):
    rig.route(HOST, target(free_port()), app=app_id, waiting=PATIENT)
    with closing(rig.edge.raw(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")):
        rig.waits(app_id, 1)

    rig.waits(app_id, 0)


def test_connections_that_break_together_do_not_open_the_circuit(rig, backend, pool, app_id):
    """A replica dies with many requests under way: what comes next may wait for the successor."""
    more = {"app": app_id, "waiting": PATIENT, "breaker": {"failures": 5, "pause_s": 600}}
    app = backend(port=free_port())  # nobody else gets it as the port of a connection while requests try it
    rig.route(HOST, target(app.port), **more)
    under_way = [pool.submit(rig.edge.ask, HOST, "/slow", "POST") for _ in range(20)]
    eventually(lambda: len(app.record.requests) == 20)  # one that was not sent yet would be sent again
    app.close_kept()
    assert {each.result().status for each in under_way} == {502}
    app.stop()

    asked = [pool.submit(rig.edge.ask, HOST) for _ in range(5)]
    rig.waits(app_id, 5)
    rig.route(HOST, target(backend().port), **more)

    assert {each.result().status for each in asked} == {200}


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"x"), ("POST", b"x" * 200_000)])
def test_a_failure_of_the_edge_itself_says_so_and_leaves_nothing_counted(rig, backend, app_id, method, body):
    rig.route(HOST, target(80, address="no-address"), app=app_id, max_concurrency=1)

    for _ in range(2):
        answer = rig.edge.ask(HOST, method=method, body=body)
        assert (answer.status, answer.json["code"], answer.json["fault"]) == (500, "internal", "platform")
    nothing_is_counted(rig)

    rig.route(HOST, target(backend().port), app=app_id, max_concurrency=1)
    assert rig.edge.ask(HOST, method=method, body=body).status == 200


@pytest.fixture
def unwritable(rig):
    """Bodies that do not fit into memory can't be written, as on a disk that is full."""
    folder = rig.edge.settings.state_dir / "edge/tmp/body"
    away = folder.rename(folder.with_name("away"))
    folder.write_bytes(b"")
    yield
    folder.unlink()
    away.rename(folder)


def is_refused_as_internal(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return (response.status, json.loads(response.read())["code"]) == (500, "internal")


@pytest.mark.usefixtures("unwritable")
@pytest.mark.parametrize("first", [0, 1, 1000])
@pytest.mark.parametrize("kind", ["Content-Length: 300000", "Transfer-Encoding: chunked"])
def test_a_body_that_nginx_cant_write_leaves_nothing_counted(rig, backend, app_id, first, kind):
    """At once, and while Lua watches it come in."""
    rig.route(HOST, target(backend().port), app=app_id, max_concurrency=1)
    before = rig.edge.status["workers"]
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\n{kind}\r\n\r\n".encode()
    body = b"x" * 300_000 if "Length" in kind else b"493e0\r\n" + b"x" * 300_000 + b"\r\n0\r\n\r\n"
    with closing(rig.edge.raw(head + body[:first])) as connection:
        if first:
            eventually(lambda: rig.edge.status["bodies"])
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(body[first:])
        assert is_refused_as_internal(connection)
        nothing_is_counted(rig)
        until = time.monotonic() + 0.15  # whoever watched the body looks every tenth of a second
        while time.monotonic() < until:
            assert rig.edge.status["bodies"] == {}
    assert rig.edge.status["workers"] == before
