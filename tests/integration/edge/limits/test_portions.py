"""Callers that send so often that workers count their requests ahead, in portions: limits stay exact."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from edge_clients import Burst
from edge_limits import LONG_LEASES, LONG_PORTIONS, SLOW_HOST, calls, check_headers, parallel
from edge_publisher import HOST, target
from edge_rig import Edge, Rig, running, short_folder

from slipway.core.access import tokens
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

DAY_S = 86_400
EACH = 40  # requests of a connection
APP = """
daemon off; worker_processes 1; error_log stderr error; pid {folder}/app.pid;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/app.log;
    keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}
}}
"""
ENVIRON = {"SLIPWAY_TRUSTED_PROXIES": "127.0.0.1", "SLIPWAY_EDGE_WORKERS": "4"}
LUA = {**SLOW_HOST, **LONG_LEASES, **LONG_PORTIONS}


def listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 30):
        return True
    return False


@dataclass
class QuickApp:
    """It answers faster than the edge asks."""

    port: int
    log: Path

    @property
    def received(self) -> int:
        return self.log.read_text().count("\n")


@pytest.fixture(scope="module")
def quick_app_of_module() -> Iterator[QuickApp]:
    with short_folder() as folder:
        config, made = folder / "app.conf", QuickApp(free_port(), folder / "app.log")
        config.write_text(APP.format(folder=folder, port=made.port))
        process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"])
        eventually(lambda: listens(made.port))
        yield made
        process.terminate()
        process.wait(30)


@pytest.fixture
def quick_app(quick_app_of_module: QuickApp) -> QuickApp:
    """Without what it received for other tests."""
    if quick_app_of_module.log.exists():
        os.truncate(quick_app_of_module.log, 0)
    return quick_app_of_module


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running(ENVIRON, LUA) as made:
        yield made
        assert made.edge.complaints == []


@pytest.fixture(scope="module")
def other_edge(rig: Rig) -> Iterator[Edge]:
    with short_folder() as folder:
        environ = {"SLIPWAY_REDIS_URL": f"unix://{rig.redis.socket}", "SLIPWAY_EDGE_ID": "edge-2"}
        other = Edge(folder, {**ENVIRON, **environ}, LUA)
        other.start()
        eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())
        yield other
        assert other.complaints == []
        other.stop()


def ahead(edge: Edge, app_id: str) -> int:
    """How many of the app's requests passed by a portion."""
    page = edge.private("/metrics").body.decode()
    found = re.search(rf'slipway_edge_limits_ahead_total\{{app="app{app_id}"[^}}]*\}} (\d+)', page)
    return int(found[1]) if found else 0


def asked_at_once(edges: list[Edge], requests: int, clients: int = 8, **headers: str) -> Counter[int]:
    """The statuses of so many requests over so many connections at a time, to the edges in turn."""
    sizes = [min(EACH, requests - sent) for sent in range(0, requests, EACH)]
    with ThreadPoolExecutor(clients) as pool:
        asked = [
            pool.submit(Burst(edges[number % len(edges)], headers).send, size) for number, size in enumerate(sizes)
        ]
        return Counter(status for one in asked for status in one.result())


@pytest.mark.parametrize("seed", range(3))
def test_exactly_as_many_pass_however_often_a_caller_sends(rig, other_edge, quick_app, app_id, seed):
    chance = random.Random(f"{app_id} {seed}")
    limit, beyond = chance.randint(300, 500), chance.randint(30, 100)
    limits = [calls(app_id, limit, chance.choice([DAY_S, 7 * DAY_S]))]
    if seed:
        limits.append(calls(app_id, 2 * limit, DAY_S, id=f"{app_id}/all", name="all", by="all"))
    rig.route(HOST, target(quick_app.port), app=app_id, limits=limits)
    eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())

    found = asked_at_once([rig.edge, other_edge], limit + beyond)

    assert found == {200: limit, 429: beyond}
    assert quick_app.received == limit
    eventually(lambda: ahead(rig.edge, app_id) + ahead(other_edge, app_id) > limit / 10)


def test_what_one_edge_does_not_use_the_other_one_may_have(rig, other_edge, quick_app, app_id):
    rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 500, DAY_S)])
    eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())
    assert asked_at_once([rig.edge, other_edge], 200) == {200: 200}
    assert asked_at_once([other_edge], 360) == {200: 300, 429: 60}


def test_answers_count_down_by_one_and_agree(quick_app, app_id):
    """Of one worker, where nobody else sends. A request that is counted by itself while a portion is being given sees
    the portion as used."""
    with running({"SLIPWAY_EDGE_WORKERS": "1"}, LUA) as rig:
        rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 250, DAY_S)])
        burst = Burst(rig.edge)
        burst.send(280)
        eventually(lambda: ahead(rig.edge, app_id) > 0)
    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in burst.answers]
    truth = [*range(249, -1, -1), *[0] * 30]
    assert all(shown <= real for shown, real in zip(left, truth, strict=True))
    assert left[0] == truth[0]
    assert [answer.status for answer in burst.answers] == [200] * 250 + [429] * 30
    for answer in burst.answers:
        check_headers(answer)


def test_bodies_and_other_methods_count_too(rig, quick_app, app_id):
    rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 200, DAY_S)])
    with ThreadPoolExecutor(6) as pool:
        hot = pool.submit(asked_at_once, [rig.edge], 150, 4)
        others = [pool.submit(rig.edge.ask, HOST, "/", method, body=b"x") for method in ["POST", "PUT"] * 40]
        found = hot.result() + Counter(each.result().status for each in others)
    assert found == {200: 200, 429: 30}


@pytest.mark.parametrize("more", [{"dry_run": True}, {}], ids=["only reports", "at one time"])
def test_nothing_is_counted_ahead_where_another_limit_needs_every_request(rig, quick_app, app_id, more):
    others = [calls(app_id, 900, DAY_S, id=f"{app_id}/o", name="o", **more) if more else parallel(app_id, 1000)]
    rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 300, DAY_S), *others])
    assert asked_at_once([rig.edge], 340) == {200: 300, 429: 40}
    assert ahead(rig.edge, app_id) == 0


def test_callers_do_not_use_each_others_portions(rig, quick_app, app_id):
    rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 150, DAY_S)])
    with ThreadPoolExecutor(3) as pool:
        addresses = [f"192.0.2.{number}" for number in range(3)]
        asked = [
            pool.submit(lambda address: asked_at_once([rig.edge], 200, 3, **{"X-Forwarded-For": address}), each)
            for each in addresses
        ]
    assert [each.result() for each in asked] == [{200: 150, 429: 50}] * 3


@pytest.mark.parametrize("is_known", [True, False])
def test_who_sends_a_token_has_no_part_in_an_addresss_portion(rig, quick_app, app_id, is_known):
    """One that is known is a caller of its own; an invented one counts by address, each request by itself."""
    token = f"slw_{app_id:a<43}"
    if is_known:
        rig.redis.client.hset("slipway:limits:tokens", tokens.hashed(token), "acme|0")
    rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 160, DAY_S)])
    with ThreadPoolExecutor(2) as pool:
        plain = pool.submit(asked_at_once, [rig.edge], 200, 3)
        other = pool.submit(asked_at_once, [rig.edge], 120, 3, Authorization=f"Bearer {token}")
    if is_known:
        assert (plain.result(), other.result()) == ({200: 160, 429: 40}, {200: 120})
    else:
        assert plain.result() + other.result() == {200: 160, 429: 160}


def test_a_route_that_changes_all_the_time_counts_no_request_twice(rig, quick_app, app_id):
    """The target gate does not pass a request at once whose entry is outdated."""
    limits = [calls(app_id, 400, DAY_S)]
    rig.route(HOST, target(quick_app.port), app=app_id, limits=limits)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asked_at_once, [rig.edge], 460)
        number = 0
        while not asked.done():
            number += 1
            rig.route(HOST, target(quick_app.port, f"r-{app_id}-{number}"), app=app_id, limits=limits)
    assert asked.result() == {200: 400, 429: 60}


@pytest.mark.parametrize("after", [100, 5000])
def test_a_changed_limit_is_in_force_for_a_caller_that_sends_often(rig, quick_app, app_id, after):
    rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 1000, DAY_S)])
    assert asked_at_once([rig.edge], 400) == {200: 400}
    rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, after, DAY_S)])
    left = after * 6 // 10
    passed = asked_at_once([rig.edge], left + 100)[200]
    assert left - 1 <= passed <= left, "the used share stays what it was"


def test_a_worker_that_ends_gives_back_what_it_does_not_use(quick_app, app_id):
    with running(ENVIRON, LUA) as rig:
        rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 400, DAY_S)])
        assert asked_at_once([rig.edge], 200) == {200: 200}
        workers = rig.edge.status["workers"]
        rig.edge.reload()
        eventually(lambda: not set(rig.edge.status["workers"]) & set(workers))
        assert asked_at_once([rig.edge], 250) == {200: 200, 429: 50}
        assert ahead(rig.edge, app_id) > 0
        assert rig.edge.complaints == []


def test_killed_workers_open_nothing(quick_app, app_id):
    """What they had ahead counts as used when it ends."""
    with running(ENVIRON, {**LUA, "limits_portion_s": 0.25}) as rig:
        rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, 600, DAY_S)])

        def send() -> None:
            with suppress(OSError, AssertionError):  # its worker is killed
                Burst(rig.edge).send(EACH)

        with ThreadPoolExecutor(8) as pool:
            for _ in range(2):
                asked = [pool.submit(send) for _ in range(8)]
                eventually(lambda: ahead(rig.edge, app_id))
                rig.edge.replace(*rig.edge.status["workers"][:2])
                for each in asked:
                    each.result()
        assert ahead(rig.edge, app_id)
        before = quick_app.received
        passed = asked_at_once([rig.edge], 640)[200]
        assert quick_app.received == before + passed <= 600
        assert asked_at_once([rig.edge], 50) == {429: 50}


@pytest.mark.parametrize("trouble", ["emptied", "without scripts", "stopped"])
def test_nothing_is_open_when_redis_has_trouble_while_a_caller_sends_often(quick_app, app_id, trouble):
    limit = 240
    with running(ENVIRON, {**LUA, "limits_timeout_s": 1}) as rig:
        rig.route(HOST, target(quick_app.port), app=app_id, limits=[calls(app_id, limit, DAY_S)])
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(asked_at_once, [rig.edge], 3 * limit)
            eventually(lambda: ahead(rig.edge, app_id) or asked.done())
            if trouble == "emptied":
                keys = rig.redis.client.keys("slipway:limits:state:*")
                assert keys
                rig.redis.client.delete(*keys)
            elif trouble == "stopped":
                rig.redis.stop()
            else:
                rig.redis.client.script_flush()
        if trouble == "without scripts":
            before = ahead(rig.edge, app_id)
            asked_at_once([rig.edge], 60, 2, **{"X-Forwarded-For": "192.0.2.1"})
            eventually(lambda: ahead(rig.edge, app_id) > before)
        passed = asked.result()[200]
        fresh = 0 if trouble == "without scripts" else limit  # as for requests that are counted one by one
        most = limit + fresh + limit // 8 * bool(fresh)
        assert limit <= passed <= most
        assert sum(asked.result().values()) == 3 * limit
        assert not [line for line in rig.edge.complaints if "portions" in line]
