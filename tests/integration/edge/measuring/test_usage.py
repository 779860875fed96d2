"""The usage stream: every request once, whatever happens to Redis or to a worker."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import math
import signal
import threading
import time
from collections import Counter

import pytest
from edge_clients import open_socket
from edge_publisher import target
from edge_rig import running
from usage_reader import UsageReader

from slipway.core.usage.fields import LATENCY_BOUNDS_MS
from tests.fixtures.waiting import eventually

FAST = {"usage_every_s": 0.05}
STEP_MS = 2  # nginx' clock steps by one, at the beginning and at the end
CUT = 0  # for a status: the connection ended without an answer


@pytest.fixture
def rig():
    with running({}, FAST) as made:
        yield made


@pytest.fixture
def shop(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port, "r-1"))
    return app


@pytest.fixture
def reader(rig):
    return UsageReader(rig.redis.client)


class Load:
    """Clients that ask without a pause until they are stopped."""

    def __init__(self, rig, clients: int = 2) -> None:
        self.rig = rig
        self._over = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(clients)
        self._running = [self._pool.submit(self._ask) for _ in range(clients)]

    def _ask(self) -> Counter[int]:
        statuses: Counter[int] = Counter()
        while not self._over.wait(0.005):
            try:
                statuses[self.rig.edge.ask("shop.localhost").status] += 1
            except (ConnectionError, http.client.HTTPException):
                statuses[CUT] += 1
        return statuses

    def stop(self) -> Counter[int]:
        """How often each status was answered."""
        self._over.set()
        total = sum((each.result() for each in self._running), Counter())
        self._pool.shutdown()
        return total


@pytest.fixture
def start_load():
    """Makes a Load; none outlives its test."""
    with contextlib.ExitStack() as started:

        def start(rig, clients: int = 2) -> Load:
            load = Load(rig, clients)
            started.callback(load.stop)
            return load

        yield start


def test_a_record_tells_what_each_app_used(rig, shop, reader):
    for path in ("/", "/", "/status/404", "/status/500"):
        rig.edge.ask("shop.localhost", path)
    rig.edge.ask("nobody.localhost")

    eventually(lambda: reader.requests() == 4 and reader.requests("") == 1)

    used = reader.used["1"]
    assert (used["2xx"], used["4xx"], used["5xx"]) == (2, 1, 1)
    assert used["bytes_in"] > 4 * 50
    assert used["bytes_out"] > 4 * 100
    assert sum(reader.timed()) == 4
    assert sum(reader.timed("")) == 1
    assert reader.used[""]["4xx"] == 1
    assert all(record["from"] < record["to"] for record in reader.records)


def test_each_request_counts_in_the_bucket_of_its_duration(rig, shop, reader):
    took_ms = []
    for number, delay_s in enumerate((0, 0, 0.03, 0.3), start=1):
        shop.delay_s, before = delay_s, reader.timed()
        began_s = time.monotonic()
        rig.edge.ask("shop.localhost")
        took_ms.append((delay_s * 1000, (time.monotonic() - began_s) * 1000))
        eventually(lambda number=number: reader.requests() == number)
        [bucket] = [place for place, count in enumerate(reader.timed()) if count > before[place]]
        least, most = (0, *LATENCY_BOUNDS_MS)[bucket], (*LATENCY_BOUNDS_MS, math.inf)[bucket]
        assert least - STEP_MS <= took_ms[-1][1]
        assert took_ms[-1][0] <= most + STEP_MS

    assert sum(reader.timed()) == 4


def test_websockets_and_streams_count_as_requests_and_in_no_bucket(rig, shop, reader):
    connection = open_socket(rig)
    connection.close()
    rig.edge.ask("shop.localhost")

    eventually(lambda: reader.requests() == 2)
    assert sum(reader.timed()) == 1


def test_reading_twice_counts_once(rig, shop, reader):
    for _ in range(10):
        rig.edge.ask("shop.localhost")
    eventually(lambda: reader.requests() == 10)

    assert reader.read().read().requests() == 10
    assert UsageReader(rig.redis.client).requests() == 10


def test_without_traffic_no_record_is_written(rig, shop, reader):
    rig.edge.ask("shop.localhost")
    eventually(lambda: reader.requests() == 1)
    at = rig.redis.client.hget("slipway:edges:metrics:edge-1", "at")

    eventually(lambda: float(rig.redis.client.hget("slipway:edges:metrics:edge-1", "at")) > float(at) + 0.5)

    assert rig.redis.client.xlen("slipway:usage") == len(reader.records)


def test_redis_gone_for_sixty_looks_costs_no_request_and_loses_none(rig, shop, reader, start_load):
    load = start_load(rig)
    eventually(lambda: reader.requests() > 0)
    rig.redis.stop()
    eventually(lambda: _waiting(rig) >= 60, within_s=30)

    rig.redis.start()  # empty
    statuses = load.stop()

    assert set(statuses) == {200}
    eventually(lambda: reader.requests() == statuses[200])
    assert reader.gaps == []


def test_when_too_many_records_wait_the_last_one_takes_in_what_comes(backend, start_load):
    with running({}, FAST | {"usage_waiting_most": 5}) as rig:
        rig.route("shop.localhost", target(backend().port))
        reader = UsageReader(rig.redis.client)
        rig.redis.stop()
        load = start_load(rig)
        eventually(lambda: _waiting(rig) >= 5)
        for _ in range(50):
            rig.edge.ask("shop.localhost")
        statuses = load.stop()
        assert _waiting(rig) <= 6

        rig.redis.start()

        eventually(lambda: reader.requests() == statuses[200] + 50)
        assert sum(reader.timed()) == statuses[200] + 50
        assert reader.gaps == []


def test_a_redis_that_lost_its_last_records_gets_them_again(rig, shop, reader):
    for _ in range(5):
        rig.edge.ask("shop.localhost")
    eventually(lambda: reader.requests() == 5)
    again = UsageReader(rig.redis.client)

    rig.redis.client.flushall()

    eventually(lambda: again.requests() == 5)
    assert reader.requests() == 5


def test_leaders_that_are_killed_count_everything_once(rig, shop, reader):
    for asked in range(10, 90, 10):
        for _ in range(10):
            rig.edge.ask("shop.localhost")
        eventually(lambda asked=asked: _in_counters(rig) == asked)
        rig.edge.replace(rig.edge.leader())

    eventually(lambda: reader.requests() == 80)
    assert UsageReader(rig.redis.client).requests() == 80
    assert sum(reader.timed()) == 80
    assert reader.gaps == []


def test_workers_that_are_killed_under_load_lose_no_more_than_they_had_under_way(rig, shop, reader, start_load):
    """A request counts when it ends, so those that a killed worker had under way count nowhere."""
    shop.delay_s = 0.02
    load = start_load(rig, clients=8)
    kills = 6
    for kill in range(1, kills + 1):
        eventually(lambda kill=kill: len(shop.record.requests) > 100 * kill)
        eventually(lambda: sum(rig.edge.status["inflight"].values()) >= 4)
        rig.edge.replace(min(rig.edge.status["workers"]))
    statuses = load.stop()
    received = len(shop.record.requests)

    assert set(statuses) == {200, CUT}
    eventually(lambda: reader.requests() == _in_counters(rig) > 0)
    counted = reader.requests()
    just_answered = kills  # a worker answers one at a time, and may be killed before it counts that
    assert received - statuses[CUT] - just_answered <= counted <= received
    assert counted >= statuses[200] - just_answered
    assert reader.gaps == []


def test_a_reload_midway_fails_nothing_and_counts_everything(rig, shop, reader, start_load):
    load = start_load(rig)
    for _ in range(3):
        before = set(rig.edge.status["workers"])
        rig.edge.reload()
        eventually(lambda before=before: not before & set(rig.edge.status["workers"]))
    statuses = load.stop()

    assert set(statuses) == {200}
    eventually(lambda: reader.requests() == statuses[200])
    assert sum(reader.timed()) == statuses[200]
    assert reader.gaps == []


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGQUIT], ids=["at once", "gracefully"])
def test_what_was_not_sent_when_nginx_stopped_is_sent_by_the_next(backend, way):
    with running({}, {"usage_every_s": 60}) as rig:
        rig.route("shop.localhost", target(backend().port))
        reader = UsageReader(rig.redis.client)
        for round_ in (1, 2):
            for _ in range(7):
                rig.edge.ask("shop.localhost")
            eventually(lambda: _in_counters(rig) == 7)
            rig.redis.stop()
            rig.edge.process.send_signal(way)
            rig.edge.process.wait(60)
            assert (rig.edge.settings.state_dir / "edge/usage/unsent").read_text().count("\n") == round_
            rig.redis.start()
            rig.publisher.start({host: json.loads(raw) for host, raw in rig.publisher.table.items()})
            rig.edge.start()
            eventually(rig.publisher.is_in_force)
        rig.edge.stop()
        rig.edge.lua = FAST
        rig.edge.start()

        eventually(lambda: reader.requests() == 14)
        assert sum(reader.timed()) == 14
        eventually(lambda: not (rig.edge.settings.state_dir / "edge/usage/unsent").exists())
        assert len(reader.folded) == 2


def _waiting(rig) -> float:
    return _metric(rig, "slipway_edge_usage_records_waiting")


def _in_counters(rig) -> float:
    text = rig.edge.private("/metrics").body.decode()
    lines = [line for line in text.splitlines() if line.startswith('slipway_edge_replica_requests_total{app="app1"')]
    return sum(float(line.split()[-1]) for line in lines)


def _metric(rig, name: str) -> float:
    text = rig.edge.private("/metrics").body.decode()
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[1])


@pytest.fixture
def slow_rig(backend):
    """It looks each second, as an edge does."""
    with running({}) as made:
        made.route("shop.localhost", target(backend().port, "r-1"))
        yield made


def ahead_of_records(rig, reader):
    """Requests in the totals that are in no record yet. Records are read last, and written with the totals."""
    rig.edge.ask("shop.localhost")
    of_app = sum(apps_in_redis(rig).get("1", {"requests": []})["requests"])
    of_replica = sum(replicas_in_redis(rig).get("r-1", {"requests": []})["requests"])
    return min(of_app, of_replica) - reader.read().requests()


def test_while_somebody_watches_totals_do_not_wait_for_the_next_record(slow_rig):
    reader = UsageReader(slow_rig.redis.client)
    slow_rig.redis.client.set("slipway:edges:watched", 1)
    eventually(lambda: ahead_of_records(slow_rig, reader) > 0)
    slow_rig.redis.client.delete("slipway:edges:watched")
    asked = _in_counters(slow_rig)
    eventually(lambda: reader.requests() == asked)
    assert sum(apps_in_redis(slow_rig)["1"]["requests"]) == asked
    assert sum(replicas_in_redis(slow_rig)["r-1"]["requests"]) == asked


def test_while_nobody_watches_totals_come_with_records(slow_rig):
    reader = UsageReader(slow_rig.redis.client)

    def three_records():
        assert ahead_of_records(slow_rig, reader) <= 0
        return len(reader.records) >= 3

    eventually(three_records, every_s=0.05)


def apps_in_redis(rig):
    found = rig.redis.client.hgetall("slipway:edges:metrics:edge-1")
    return {name.decode(): json.loads(text) for name, text in found.items() if name.isdigit()}


def replicas_in_redis(rig):
    found = rig.redis.client.hgetall("slipway:edges:replicas:edge-1")
    return {name.decode(): json.loads(text) for name, text in found.items() if name != b"at"}


def test_redis_has_what_each_replica_was_asked_for(rig, shop, backend):
    other = backend()
    rig.route("shop.localhost", target(shop.port, "r-1"), target(other.port, "r-2"))
    for _ in range(10):
        assert rig.edge.ask("shop.localhost").status == 200
    eventually(lambda: sum(each["requests"][1] for each in replicas_in_redis(rig).values()) == 10)
    found = replicas_in_redis(rig)
    assert set(found) == {"r-1", "r-2"}
    assert all(each["requests"][1] > 0 for each in found.values())
    rig.redis.client.flushall()
    eventually(lambda: replicas_in_redis(rig).keys() == {"r-1", "r-2"})
