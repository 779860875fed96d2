"""Callers that send so often that workers count their requests ahead, in portions: limits stay exact."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from edge_clients import Burst
from edge_limits import LONG_LEASES, LONG_PORTIONS, SLOW_HOST, calls, check_headers, of_client, parallel
from edge_publisher import HOST, target
from edge_rig import Edge, Rig, running, short_folder

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

DAY_S = 86_400
EACH = 40 # requests of a connection
APP = """
daemon off; worker_processes 1; error_log stderr error; pid {folder}/app.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}
}}
"""
ENVIRON = {"SLIPWAY_TRUSTED_PROXIES": "127.0.0.1", "SLIPWAY_EDGE_WORKERS": "4"}
LUA = {**SLOW_HOST, **LONG_LEASES, **LONG_PORTIONS}


@pytest.fixture(scope="module")
def quick_app() -> Iterator[int]:
    """The port of an app that answers faster than the edge asks."""
    with short_folder() as folder:
        config, port = folder / "app.conf", free_port()
        config.write_text(APP.format(folder=folder, port=port))
        process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"])
        yield port
        process.terminate()
        process.wait(30)


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
    limit, beyond = chance.randint(300, 900), chance.randint(50, 300)
    limits = [calls(app_id, limit, chance.choice([DAY_S, 7 * DAY_S]))]
    if seed:
        limits.append(calls(app_id, 2 * limit, DAY_S, id=f"{app_id}/all", name="all", by="all"))
    rig.route(HOST, target(quick_app), app=app_id, limits=limits)
    eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())

    found = asked_at_once([rig.edge, other_edge], limit + beyond)

    assert found == {200: limit, 429: beyond}
    eventually(lambda: ahead(rig.edge, app_id) + ahead(other_edge, app_id) > limit / 10)
