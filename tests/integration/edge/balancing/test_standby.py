"""While a new release is watched, the release before takes what no target of the new one does."""

from __future__ import annotations

import concurrent.futures
import http.client
from collections import Counter

import pytest
from edge_publisher import target

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

HOST = "shop.localhost"
QUICK = {"connect_s": 0.3, "read_s": 60}


@pytest.fixture
def rig(shared_rig):
    shared_rig.unroute(HOST)
    return shared_rig


def backends_that_answer(rig, requests=20, **asked):
    answers = [rig.edge.ask(HOST, **asked) for _ in range(requests)]
    assert {answer.status for answer in answers} == {200}
    return {answer.json["backend"] for answer in answers}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_while_a_target_takes_requests_those_on_standby_get_none(rig, backend, method):
    new, old = backend("new"), backend("old")
    rig.route(HOST, target(new.port), standby=[target(old.port)])

    assert backends_that_answer(rig, method=method, body=b"x") == {"new"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_target_those_on_standby_get_all(rig, backend, method):
    rig.route(HOST, standby=[target(backend("old").port)])

    assert backends_that_answer(rig, method=method, body=b"x") == {"old"}
    eventually(lambda: rig.edge.status["inflight"] == {})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_target_is_asked_before_one_on_standby(rig, backend, method):
    new, old = backend("new"), backend("old")
    dead = [target(free_port()) for _ in range(4)]
    rig.route(HOST, *dead, target(new.port), standby=[target(old.port)], ejection={"failures": 0})

    assert backends_that_answer(rig, method=method, body=b"x") == {"new"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("targets", [0, 1, 4])
def test_what_nobody_takes_waits_for_one_on_standby_too(rig, backend, method, targets):
    """Two that refuse; then one of them listens, and the table stays as it is."""
    dead, port = [target(free_port()) for _ in range(targets)], free_port()
    more = {"app": f"waits-{method}-{targets}", "waiting": {"timeout_s": 10}, "ejection": {"failures": 0}}
    rig.route(HOST, *dead, standby=[target(port), target(free_port())], **more)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(rig.edge.ask, HOST, method=method, body=b"x" * 100_000) for _ in range(3)]
        eventually(lambda: rig.edge.status["waiting"].get(more["app"]) == 3)
        backend("old", port)

        assert {each.result().json["backend"] for each in asked} == {"old"}
    eventually(lambda: (rig.edge.status["inflight"], rig.edge.status["bodies"]) == ({}, {}))


def test_what_waits_goes_to_standby_when_the_next_targets_refuse_too(rig, backend):
    more = {"app": "waits-on", "waiting": {"timeout_s": 10}}
    rig.route(HOST, target(free_port()), **more)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(rig.edge.ask, HOST, method="POST", body=b"x")
        eventually(lambda: rig.edge.status["waiting"].get("waits-on") == 1)
        rig.route(HOST, target(free_port()), standby=[target(backend("old").port)], **more)

        assert asked.result().json["backend"] == "old"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("targets", [1, 2, 5])
def test_when_no_target_takes_a_request_one_on_standby_does(rig, backend, method, targets):
    old = backend("old")
    rig.route(
        HOST, *(target(free_port()) for _ in range(targets)), standby=[target(old.port)], ejection={"failures": 0}
    )

    assert backends_that_answer(rig, method=method, body=b"x") == {"old"}
    assert eventually(lambda: rig.edge.status["inflight"] == {})


def test_a_target_that_takes_no_connection_costs_its_timeout_and_no_request(rig, backend, black_hole):
    old = backend("old")
    rig.route(HOST, target(black_hole.port), standby=[target(old.port)], timeouts=QUICK)

    assert backends_that_answer(rig, 3, method="POST", body=b"x") == {"old"}


def test_a_get_that_died_with_its_target_is_answered_from_standby(rig, backend):
    new, old = backend("new"), backend("old")
    new.behaviour = "die"
    rig.route(HOST, target(new.port), standby=[target(old.port)])

    assert backends_that_answer(rig) == {"old"}
    assert rig.edge.ask(HOST, method="POST", body=b"x").status == 502  # it may have been done


def test_an_answer_of_5xx_is_an_answer(rig, backend):
    new, old = backend("new"), backend("old")
    rig.route(HOST, target(new.port), standby=[target(old.port)])

    assert rig.edge.ask(HOST, "/fail").status == 500


def test_requests_under_way_when_every_target_ends_are_not_lost(rig, backend):
    new, old = backend("new"), backend("old")
    rig.route(HOST, target(new.port), standby=[target(old.port)])

    def ask():
        try:
            return rig.edge.ask(HOST).status
        except http.client.IncompleteRead:
            return "cut"  # its answer had begun, and nobody can begin it again

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        before = [pool.submit(ask) for _ in range(100)]
        eventually(lambda: len(new.record.requests) > 20)
        new.stop()
        after = [pool.submit(ask) for _ in range(100)]
        statuses = Counter(each.result() for each in (*before, *after))

    assert statuses.keys() <= {200, "cut"}
    assert statuses["cut"] <= 8, "no more than were under way"
    assert old.record.requests


def test_one_that_leaves_standby_gets_no_new_request(rig, backend):
    new, old = target(free_port()), backend("old")
    rig.route(HOST, new, standby=[target(old.port)], ejection={"failures": 0})
    assert backends_that_answer(rig, 1) == {"old"}

    rig.route(HOST, new, ejection={"failures": 0}, waiting={"timeout_s": 0.2})

    assert rig.edge.ask(HOST).json["code"] == "replica-failed"
