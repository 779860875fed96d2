"""The waiting room: for an app without a ready target, or with as many requests under way as it allows."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import closing

import pytest
from edge_publisher import HOST, target

from tests.fixtures.waiting import eventually

PATIENT = {"waiting": {"timeout_s": 60}}  # no test waits for its end: a busy host may take long until all requests wait


@pytest.fixture
def rig(emptied_rig):
    return emptied_rig


@pytest.fixture
def activations(rig):
    """The apps whose activation the edge requests, as the requests come."""
    with closing(rig.redis.client.pubsub(ignore_subscribe_messages=True)) as channel:
        channel.subscribe("slipway:wake")
        channel.get_message(timeout=1)
        yield channel


def received(channel, within_s=1.0):
    until = time.monotonic() + within_s
    messages = []
    while time.monotonic() < until:
        if message := channel.get_message(timeout=0.05):
            messages.append(message["data"].decode())
    return messages


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"x" * 1000), ("POST", b"x" * 200_000)])
def test_a_request_goes_on_when_a_target_is_ready(rig, backend, pool, app_id, method, body):
    rig.route(HOST, app=app_id, **PATIENT)
    asked = pool.submit(rig.edge.ask, HOST, "/", method, body=body)
    rig.waits(app_id, 1)

    rig.route(HOST, target(backend().port), app=app_id, **PATIENT)

    answer = asked.result()
    assert (answer.status, answer.json["length"]) == (200, len(body or b""))
    rig.waits(app_id, 0)


def test_all_that_wait_go_on(rig, backend, pool, app_id):
    rig.route(HOST, app=app_id, **PATIENT)
    asked = [pool.submit(rig.edge.ask, HOST) for _ in range(30)]
    rig.waits(app_id, 30)

    rig.route(HOST, target(backend().port), app=app_id, **PATIENT)

    assert Counter(each.result().status for each in asked) == {200: 30}


def test_all_that_wait_do_not_come_at_the_same_moment(rig, backend, pool, app_id):
    """A replica that just began to listen queues few connections: http.server of Python five."""
    rig.route(HOST, app=app_id, **PATIENT)
    asked = [pool.submit(rig.edge.ask, HOST) for _ in range(40)]
    rig.waits(app_id, 40)
    app, arrivals = backend(), []
    app.record.add = lambda _seen: arrivals.append(time.monotonic())

    rig.route(HOST, target(app.port), app=app_id, **PATIENT)

    assert {each.result().status for each in asked} == {200}
    assert max(arrivals) - min(arrivals) >= 0.08  # at most two in 10 ms from each of two workers


def test_at_the_deadline_it_is_503_with_retry_after(rig, app_id):
    rig.route(HOST, app=app_id, waiting={"timeout_s": 0.3})
    began = time.monotonic()

    answer = rig.edge.ask(HOST)

    assert (answer.status, answer.json["code"]) == (503, "no-ready-replica")
    assert int(answer.headers["retry-after"]) > 0
    assert time.monotonic() - began > 0.25
    rig.waits(app_id, 0)


@pytest.mark.parametrize(
    ("why", "code", "remedy"),
    [
        ("scaled-to-zero", "scaled-to-zero", "slipway scale"),
        ("not-deployed", "not-deployed", "push a commit"),
        ("of another version", "app-stopped", "slipway ps"),
    ],
)
def test_an_app_that_shall_not_run_answers_at_once_and_says_why(rig, app_id, activations, why, code, remedy):
    rig.route(HOST, app=app_id, stopped=why, **PATIENT)
    began = time.monotonic()

    answer = rig.edge.ask(HOST)

    assert (answer.status, answer.json["code"], answer.json["fault"]) == (503, code, "app")
    assert remedy in answer.json["remedy"]
    assert time.monotonic() - began < PATIENT["waiting"]["timeout_s"]
    assert received(activations, 0.3) == []


def test_an_app_scaled_to_nothing_meanwhile_ends_the_waiting(rig, pool, app_id):
    rig.route(HOST, app=app_id, **PATIENT)
    asked = pool.submit(rig.edge.ask, HOST)
    rig.waits(app_id, 1)

    rig.route(HOST, app=app_id, stopped="scaled-to-zero", **PATIENT)

    assert asked.result().json["code"] == "scaled-to-zero"


def test_a_host_that_leaves_the_table_ends_the_waiting(rig, pool, app_id):
    rig.route(HOST, app=app_id, **PATIENT)
    asked = pool.submit(rig.edge.ask, HOST)
    rig.waits(app_id, 1)

    rig.unroute(HOST)

    assert asked.result().status == 404


@pytest.mark.parametrize(
    ("limits", "body", "admitted"),
    [({"requests": 4}, None, 4), ({"bytes": 3500}, b"x" * 1000, 3), ({"requests": 0}, None, 0)],
    ids=["number", "bytes", "nobody"],
)
def test_the_room_is_bounded(rig, backend, pool, app_id, limits, body, admitted):
    more = {"app": app_id, "waiting": {"timeout_s": 10, **limits}}
    rig.route(HOST, **more)
    asked = []
    for number in range(admitted):
        asked.append(pool.submit(rig.edge.ask, HOST, "/", "POST", body=body))
        rig.waits(app_id, number + 1)

    refused = rig.edge.ask(HOST, "/", "POST", body=body)
    rig.route(HOST, target(backend().port), **more)

    assert refused.status == 503
    assert refused.json["code"] == ("waiting-room-full" if admitted else "no-ready-replica")
    assert "retry-after" in refused.headers
    assert Counter(each.result().status for each in asked) == Counter({200: admitted} if admitted else {})


def test_a_client_that_leaves_is_forgotten(rig, backend, pool, app_id):
    one = {"app": app_id, "waiting": {"timeout_s": 10, "requests": 2}}
    rig.route(HOST, **one)
    first = rig.edge.raw(b"GET /left HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    rig.waits(app_id, 1)
    second = pool.submit(rig.edge.ask, HOST)
    rig.waits(app_id, 2)

    first.close()

    rig.waits(app_id, 1)
    third = pool.submit(rig.edge.ask, HOST)
    rig.waits(app_id, 2)
    app = backend()
    rig.route(HOST, target(app.port), **one)
    assert {second.result().status, third.result().status} == {200}
    assert "/left" not in app.record.counts()


def test_activation_is_requested_once_an_episode(rig, backend, pool, app_id, activations):
    rig.route(HOST, app=app_id, **PATIENT)
    asked = [pool.submit(rig.edge.ask, HOST) for _ in range(10)]
    rig.waits(app_id, 10)
    assert received(activations) == [app_id]
    assert rig.redis.client.get(f"slipway:wake:{app_id}") == b"edge-1"

    app = backend()
    rig.route(HOST, target(app.port), app=app_id, **PATIENT)
    assert {each.result().status for each in asked} == {200}
    eventually(lambda: rig.redis.client.get(f"slipway:wake:{app_id}") is None)

    rig.route(HOST, app=app_id, **PATIENT)  # asleep again
    again = pool.submit(rig.edge.ask, HOST)
    assert received(activations) == [app_id]
    rig.route(HOST, target(app.port), app=app_id, **PATIENT)
    assert again.result().status == 200


def test_another_edge_that_asked_already_is_enough(rig, pool, app_id, activations):
    rig.redis.client.set(f"slipway:wake:{app_id}", "edge-2", ex=30)
    rig.route(HOST, app=app_id, waiting={"timeout_s": 0.5})

    assert rig.edge.ask(HOST).status == 503
    assert received(activations, 0.3) == []


class Busy:
    """A backend's requests under way: how many at most."""

    def __init__(self):
        self.most = self.now = 0
        self._lock = threading.Lock()

    def __enter__(self):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_):
        with self._lock:
            self.now -= 1


def test_no_more_than_the_cap_is_under_way_over_all_workers(rig, backend, pool, app_id):
    app = backend()
    app.answering = busy = Busy()
    app.delay_s = 0.02
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=3, **PATIENT)

    statuses = Counter(answer.status for answer in pool.map(lambda _: rig.edge.ask(HOST), range(60)))

    assert statuses == {200: 60}
    assert busy.most == 3
    rig.waits(app_id, 0)


def test_a_free_slot_goes_to_the_one_that_waits(rig, backend, pool, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, **PATIENT)
    first = pool.submit(rig.edge.ask, HOST, "/slow")
    eventually(lambda: rig.edge.status["inflight"])
    second = pool.submit(rig.edge.ask, HOST)
    rig.waits(app_id, 1)

    app.release.set()

    assert (first.result().status, second.result().status) == (200, 200)


def test_a_cap_that_stays_reached_answers_busy(rig, backend, pool, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, waiting={"timeout_s": 0.2})
    first = pool.submit(rig.edge.ask, HOST, "/slow")
    eventually(lambda: rig.edge.status["inflight"])

    answer = rig.edge.ask(HOST)
    app.release.set()

    assert (answer.status, answer.json["code"]) == (503, "app-busy")
    assert "retry-after" in answer.headers
    assert first.result().status == 200


def test_a_client_that_leaves_gives_its_slot_back(rig, backend, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, waiting={"timeout_s": 5})
    with closing(rig.edge.raw(b"GET /slow HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")):
        eventually(lambda: rig.edge.status["inflight"])

    assert rig.edge.ask(HOST).status == 200
    app.release.set()


def test_a_killed_worker_gives_its_slots_back(rig, backend, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, waiting={"timeout_s": 5})
    held = rig.edge.raw(b"GET /slow HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    eventually(lambda: rig.edge.status["inflight"])

    rig.edge.kill(*rig.edge.status["workers"])
    eventually(lambda: rig.edge.status["inflight"] == {})

    assert rig.edge.ask(HOST).status == 200
    held.close()
    app.release.set()


def test_a_killed_worker_that_a_reload_left_to_finish_gives_its_slots_back(rig, backend, app_id):
    """Nobody starts in its place."""
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, max_concurrency=1, waiting={"timeout_s": 5})
    held = rig.edge.raw(b"GET /slow HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
    eventually(lambda: rig.edge.status["inflight"])
    old = set(rig.edge.status["workers"])
    rig.edge.reload()
    eventually(lambda: len(set(rig.edge.status["workers"]) - old) == 2)
    eventually(lambda: len(old & set(rig.edge.status["workers"])) == 1)

    rig.edge.kill(*old & set(rig.edge.status["workers"]))

    assert rig.edge.ask(HOST).status == 200
    held.close()
    app.release.set()
