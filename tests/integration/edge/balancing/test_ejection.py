"""A target that fails several times in a row gets no request for a while."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections import Counter

import pytest
from edge_fleet import LONG, Fleet, answer_500, hang, kill, reset, timeouts_for
from edge_publisher import HOST

from tests.fixtures.waiting import eventually


@pytest.fixture
def rig(emptied_rig):
    return emptied_rig


@pytest.fixture
def fleet(rig, backend, app_id):
    return Fleet(rig, backend, app_id)


@pytest.mark.parametrize("happens", [kill, hang, answer_500, reset])
def test_after_the_first_ejection_no_idempotent_request_fails(rig, fleet, happens):
    fleet.route(ejection=LONG, timeouts=timeouts_for(happens))
    happens(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"), within_s=20)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        # every worker knows within 50 ms
        eventually(lambda: {answer.status for answer in pool.map(lambda _: rig.edge.ask(HOST), range(40))} == {200})
        answers = list(pool.map(lambda _: rig.edge.ask(HOST), range(100)))

    assert Counter(answer.status for answer in answers) == {200: 100}
    assert {answer.json["backend"] for answer in answers} == {"one", "three"}


@pytest.mark.parametrize("happens", [kill, hang, answer_500, reset])
def test_a_post_that_was_received_is_never_sent_twice(rig, fleet, happens):
    fleet.route(ejection=LONG, timeouts=timeouts_for(happens))
    happens(fleet.apps[1])
    paths = (f"/post/{number}" for number in itertools.count())

    with concurrent.futures.ThreadPoolExecutor(4) as pool:

        def post(several):
            asked = list(itertools.islice(paths, several))
            answers = pool.map(lambda path: rig.edge.ask(HOST, path, "POST", body=b"x").status, asked)
            return dict(zip(asked, answers, strict=True))

        statuses = post(60)
        eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"), within_s=20)

        def all_succeed():
            later = post(20)
            statuses.update(later)
            return set(later.values()) == {200}

        eventually(all_succeed, within_s=20)  # every worker knows, and what was on its way there is over

    received = fleet.received()
    assert {received[path] for path in statuses} <= {0, 1}
    assert {received[path] for path, status in statuses.items() if status == 200} == {1}


def answers_by_backend(rig, requests=30):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: rig.edge.ask(HOST), range(requests))
        return Counter(answer.json.get("backend") for answer in answers)


@pytest.mark.parametrize("balancing", ["round_robin", "weighted"])
def test_the_others_share_evenly_what_an_ejected_target_would_have_got(rig, fleet, balancing):
    fleet.route(ejection=LONG, balancing=balancing)
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"))

    eventually(lambda: answers_by_backend(rig) == {"one": 15, "three": 15})  # every worker knows within 50 ms


def test_a_target_that_was_unreachable_is_asked_as_soon_as_it_is_back(rig, fleet):
    fleet.route(ejection=LONG)
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"))

    back = fleet.apps.pop(1)
    fleet.route(ejection=LONG)
    back.behaviour = ""
    fleet.apps.insert(1, back)
    fleet.route(ejection=LONG)

    eventually(lambda: answers_by_backend(rig) == {"one": 10, "two": 10, "three": 10})


def test_the_last_target_is_never_ejected(rig, fleet):
    """All fail, so all are asked: what they say reaches the client."""
    fleet.route(ejection=LONG)
    for app in fleet.apps:
        answer_500(app)

    answers = [rig.edge.ask(HOST) for _ in range(30)]

    assert all(fleet.is_ejected(app.name) for app in fleet.apps)
    assert {answer.json.get("backend") for answer in answers[-9:]} == {"one", "two", "three"}


def test_successes_in_between_keep_a_target(rig, fleet):
    fleet.route(ejection=LONG)
    for number in range(30):
        fleet.apps[1].behaviour = "fail" if number % 6 < 3 else ""
        rig.edge.ask(HOST)

    assert not fleet.is_ejected("two")


def test_an_ejected_target_comes_back_and_a_success_ends_it(rig, fleet):
    fleet.route(ejection={"failures": 3, "pause_s": 0.3})
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"))
    fleet.apps[1].behaviour = ""

    eventually(lambda: rig.edge.ask(HOST).json["backend"] == "two")

    eventually(lambda: not fleet.is_ejected("two"))
    assert Counter(rig.edge.ask(HOST).json["backend"] for _ in range(30)) == {"one": 10, "two": 10, "three": 10}


def test_each_ejection_lasts_longer(rig, fleet):
    fleet.route(ejection={"failures": 2, "pause_s": 0.2, "most_s": 0.8})
    answer_500(fleet.apps[1])
    name = f"target:{fleet.app_id}-two"
    ends = []

    def four_pauses():
        rig.edge.ask(HOST)
        end = rig.edge.status["pauses"].get(name)
        if end and end not in ends:
            ends.append(end)
        return len(ends) == 4

    eventually(four_pauses)
    lengths = [later - earlier for earlier, later in itertools.pairwise(ends)]
    assert lengths[0] >= 0.4
    assert lengths[1] >= 0.8
    assert 0.8 <= lengths[2] < 1.5  # no longer than it may


def test_kept_connections_that_all_close_at_once_eject_nobody(rig, fleet):
    fleet.route(ejection={"failures": 3, "pause_s": 600})
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            assert {each.status for each in pool.map(lambda _: rig.edge.ask(HOST), range(64))} == {200}
            for app in fleet.apps:
                app.close_kept()

    assert not any(fleet.is_ejected(app.name) for app in fleet.apps)


def test_ejection_can_be_off(rig, fleet):
    fleet.route(ejection={"failures": 0})
    answer_500(fleet.apps[1])

    statuses = Counter(rig.edge.ask(HOST).status for _ in range(60))

    assert statuses == {200: 40, 500: 20}
