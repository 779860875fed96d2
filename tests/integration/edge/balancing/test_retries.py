"""What is tried again, and what never is."""

from __future__ import annotations

import concurrent.futures
from collections import Counter

import pytest
from edge_publisher import target

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually


@pytest.fixture
def rig(shared_rig):
    return shared_rig


@pytest.mark.parametrize("method", ["GET", "POST", "PURGE"])
def test_one_dead_target_of_two_is_not_noticed(rig, backend, method):
    app = backend()
    rig.route("shop.localhost", target(free_port()), target(app.port))

    answers = Counter(rig.edge.ask("shop.localhost", method=method, body=b"x").status for _ in range(10))

    assert answers == {200: 10}
    assert len(app.record.requests) == 10
    assert eventually(lambda: rig.edge.status["inflight"] == {})


@pytest.mark.parametrize("method", ["POST", "PURGE"])
def test_a_target_that_swallows_connections_is_passed_by(rig, backend, black_hole, method):
    app = backend()
    rig.route("shop.localhost", target(black_hole.port), target(app.port), timeouts={"connect_s": 0.2, "read_s": 60})

    assert {rig.edge.ask("shop.localhost", method=method).status for _ in range(4)} == {200}


def test_a_post_is_never_sent_twice(rig, backend):
    apps = [backend("one"), backend("two")]
    rig.route("shop.localhost", *(target(app.port) for app in apps))

    answers = [rig.edge.ask("shop.localhost", f"/die/{n}", "POST", body=b"x") for n in range(6)]

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(502, "replica-failed")}
    received = sum((app.record.counts() for app in apps), Counter())
    assert received == {f"/die/{n}": 1 for n in range(6)}


def test_an_unknown_method_is_never_sent_twice(rig, backend):
    apps = [backend("one"), backend("two")]
    rig.route("shop.localhost", *(target(app.port) for app in apps))

    answers = [rig.edge.ask("shop.localhost", f"/die/{n}", "PURGE") for n in range(6)]

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(502, "replica-failed")}
    assert sum((app.record.counts() for app in apps), Counter()) == {f"/die/{n}": 1 for n in range(6)}


def test_an_unknown_method_is_not_sent_again_when_it_takes_too_long(rig, backend):
    apps = [backend("one"), backend("two")]
    rig.route("shop.localhost", *(target(app.port) for app in apps), timeouts={"connect_s": 1, "read_s": 0.3})

    assert rig.edge.ask("shop.localhost", "/slow", "PURGE").json["code"] == "replica-slow"
    assert sum(len(app.record.requests) for app in apps) == 1


def test_a_get_that_got_no_answer_is_asked_of_another_target(rig, backend):
    apps = [backend("one"), backend("two")]
    rig.route("shop.localhost", *(target(app.port) for app in apps))

    assert rig.edge.ask("shop.localhost", "/die").status == 502  # both die of it
    assert [len(app.record.requests) for app in apps] == [1, 1]


def test_kept_connections_that_the_app_closed_cost_nothing(rig, backend):
    """One target only: there is no other to go to."""
    app = backend()
    rig.route("shop.localhost", target(app.port))

    statuses = Counter()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number in range(20):
            statuses.update(
                pool.map(
                    lambda method: rig.edge.ask("shop.localhost", f"/{method}", method).status,
                    ["GET", "POST", "GET", "POST"],
                )
            )
            if number % 2:
                app.close_kept()

    assert statuses == {200: 80}


def test_an_app_that_closes_after_each_answer_loses_no_request(rig, backend):
    rig.route("shop.localhost", target(backend().port))

    statuses = Counter(
        rig.edge.ask("shop.localhost", "/once", method).status for _ in range(50) for method in ("GET", "POST")
    )

    assert statuses == {200: 100}


def test_only_requests_that_may_be_sent_again_use_kept_connections(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))

    rig.edge.ask("shop.localhost", method="GET")
    rig.edge.ask("shop.localhost", method="POST")

    get, post = (seen.headers.get("connection") for seen in app.record.requests)
    assert get is None
    eventually(lambda: len(app.open) == 1)  # the POST's connection is closed, the GET's is kept
    assert post in (None, "close")
