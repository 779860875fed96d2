"""Which target a request goes to: every strategy, with three replicas."""

from __future__ import annotations

import concurrent.futures
import json
import time
from collections import Counter
from contextlib import ExitStack, closing

import pytest
from edge_publisher import target

from tests.fixtures.waiting import eventually

HOST = "shop.localhost"


@pytest.fixture
def rig(shared_rig):
    shared_rig.unroute(HOST)
    return shared_rig


@pytest.fixture
def three(backend):
    return [backend(name) for name in ("one", "two", "three")]


def targets(apps, weights=(1, 1, 1)):
    return [target(app.port, app.name) | {"weight": weight} for app, weight in zip(apps, weights, strict=True)]


def asked(rig, requests, clients=4):
    """Backend → how many of these requests it answered."""
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: rig.edge.ask(HOST), range(requests)))
    assert {answer.status for answer in answers} == {200}
    return Counter(answer.json["backend"] for answer in answers)


def asked_in_turn(rig, requests, under_way=0):
    """The same, each when the one before is over for the edge too: its answer comes first."""
    counts = Counter()
    for _ in range(requests):
        counts += asked(rig, 1)
        eventually(lambda: sum(rig.edge.status["inflight"].values()) == under_way)
    return counts


def load(rig, shares, age_s=-5.0):
    """What the agent writes, taken in by the edge. It is written as of later: a busy host takes long to use it."""
    at = time.time() - age_s
    fields = {id_: json.dumps({"cpu": cpu, "at": at}) for id_, cpu in shares.items()}
    rig.redis.client.delete("slipway:load")
    if fields:
        rig.redis.client.hset("slipway:load", mapping=fields)


@pytest.mark.parametrize(
    ("balancing", "weights", "expected"),
    [
        ("round_robin", (1, 1, 1), {"one": 40, "two": 40, "three": 40}),
        ("round_robin", (5, 1, 1), {"one": 40, "two": 40, "three": 40}),
        ("weighted", (1, 1, 1), {"one": 40, "two": 40, "three": 40}),
        ("weighted", (3, 2, 1), {"one": 60, "two": 40, "three": 20}),
        ("weighted", (10, 0, 2), {"one": 100, "three": 20}),
        ("weighted", (0, 0, 0), {"one": 40, "two": 40, "three": 40}),
        ("unheard-of", (1, 1, 1), {"one": 40, "two": 40, "three": 40}),
    ],
)
def test_the_round_robins_are_exact_over_all_workers(rig, three, balancing, weights, expected):
    rig.route(HOST, *targets(three, weights), app=f"{balancing}-{weights}", balancing=balancing)

    assert asked(rig, 120) == expected


def test_weighted_order_are_spread_out(rig, three):
    """nginx's own smooth sequence for 5, 1, 1."""
    rig.route(HOST, *targets(three, (5, 1, 1)), app="smooth", balancing="weighted")

    order = [rig.edge.ask(HOST).json["backend"] for _ in range(7)]

    assert order == ["one", "one", "two", "one", "three", "one", "one"]


def test_weights_hold_around_a_target_that_is_down(rig, three):
    rig.route(HOST, *targets(three, (2, 1, 1)), app="down", balancing="weighted", ejection={"failures": 0})
    three[0].stop()

    counts = asked(rig, 40)

    assert set(counts) == {"two", "three"}
    assert sum(counts.values()) == 40


def test_least_connections_goes_where_least_is_under_way(rig, three):
    rig.route(HOST, *targets(three), app="least", balancing="least_connections")
    with ExitStack() as held, concurrent.futures.ThreadPoolExecutor(6) as pool:
        held.callback(lambda: [app.release.set() for app in three])
        waiting = []
        for number in range(1, 7):
            waiting.append(pool.submit(rig.edge.ask, HOST, "/slow"))
            eventually(lambda wanted=number: sum(rig.edge.status["inflight"].values()) == wanted)
        assert rig.edge.status["inflight"] == {"one": 2, "two": 2, "three": 2}

        three[1].release.set()  # its two are answered
        eventually(lambda: "two" not in rig.edge.status["inflight"])
        assert {rig.edge.ask(HOST).json["backend"] for _ in range(8)} == {"two"}

        [app.release.set() for app in three]
        assert {each.result().status for each in waiting} == {200}


def test_least_connections_spreads_evenly_when_nothing_is_under_way(rig, three):
    rig.route(HOST, *targets(three), app="even", balancing="least_connections")

    assert asked_in_turn(rig, 60) == {"one": 20, "two": 20, "three": 20}


def test_least_connections_shares_evenly_among_those_that_are_left(rig, three):
    """The one behind a busy target gets no more than the others."""
    rig.route(HOST, *targets(three), app="left", balancing="least_connections")
    with closing(rig.edge.raw(b"GET /stream HTTP/1.1\r\nHost: shop.localhost\r\nAccept: text/event-stream\r\n\r\n")):
        eventually(lambda: sum(rig.edge.status["inflight"].values()) == 1)
        [busy] = rig.edge.status["inflight"]

        counts = asked_in_turn(rig, 30, under_way=1)

    assert counts == {app.name: 15 for app in three if app.name != busy}
    [app.release.set() for app in three]


def test_least_load_steers_away_from_a_busy_target(rig, three):
    """Of three pairs two have the busy one in them, and it loses both."""
    rig.route(HOST, *targets(three), app="load", balancing="least_load")
    load(rig, {"one": 1.0, "two": 0.1, "three": 0.1})
    eventually(lambda: len(rig.edge.status["loads"]) == 3)
    asked(rig, 30)  # latencies are learned

    counts = asked(rig, 120)

    assert counts["one"] <= 12
    assert min(counts["two"], counts["three"]) >= 20


@pytest.mark.parametrize(
    ("shares", "age_s"),
    [({}, 0), ({"one": 1.0, "two": 0.1}, 0), ({"one": 1.0, "two": 0.1, "three": 0.1}, 6)],
    ids=["none", "not of all", "stale"],
)
def test_least_load_is_round_robin_without_fresh_data(rig, three, shares, age_s):
    """Two that are known are still compared with each other; so only the pairs with the third alternate."""
    rig.route(HOST, *targets(three), app=f"stale-{len(shares)}-{age_s}", balancing="least_load")
    load(rig, shares, age_s)
    eventually(lambda: set(rig.edge.status["loads"]) == (set(shares) if not age_s else set()))

    counts = asked(rig, 120)

    if shares and not age_s:
        assert counts["three"] >= 20
    else:
        assert counts == {"one": 40, "two": 40, "three": 40}


def test_a_slow_target_gets_less_under_least_load(rig, three):
    rig.route(HOST, *targets(three), app="slow", balancing="least_load")
    load(rig, dict.fromkeys(("one", "two", "three"), 0.2))
    eventually(lambda: len(rig.edge.status["loads"]) == 3)
    three[2].delay_s = 0.2  # far more than the others take
    asked(rig, 30)
    load(rig, dict.fromkeys(("one", "two", "three"), 0.2))

    counts = asked(rig, 60)

    assert counts["three"] <= 10


def test_open_sockets_count_as_connections(rig, three):
    rig.route(HOST, *targets(three), app="sockets", balancing="least_connections")
    with closing(rig.edge.raw(b"GET /stream HTTP/1.1\r\nHost: shop.localhost\r\nAccept: text/event-stream\r\n\r\n")):
        eventually(lambda: sum(rig.edge.status["inflight"].values()) == 1)
        [busy] = rig.edge.status["inflight"]

        counts = asked(rig, 20, clients=1)

        assert counts[busy] == 0
    eventually(lambda: rig.edge.status["inflight"] == {})
