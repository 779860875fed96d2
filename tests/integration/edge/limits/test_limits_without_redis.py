"""Redis stops, hangs or is slow: each edge goes on with its part of every limit, and no request waits for Redis."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from edge_limits import LONG_LEASES
from edge_publisher import HOST, Publisher, target
from edge_rig import Edge, RedisServer, Rig, short_folder

from tests.fixtures.waiting import eventually

DAY_S = 86_400
CONFIRMED = "slipway:edges:confirmed"


class SlowRedis:
    """Stands between an edge and Redis. Replies come `delay_s` late, or not at all while it is silent."""

    def __init__(self, path: Path, redis: RedisServer) -> None:
        self.delay_s = 0.0
        self.calls = 0
        """How often an edge asked for a decision."""
        self._talks = threading.Event()
        self._talks.set()
        self._redis = redis
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o777)
        self._listener.listen(256)
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        self._talks.clear()

    def talk(self) -> None:
        self._talks.set()

    def close(self) -> None:
        self.talk()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._redis.socket))
                self._open += [client, server]
                threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self.calls += asks and data.lower().count(b"evalsha")
                self._talks.wait()
                time.sleep(0 if asks else self.delay_s)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def rig(folder: Path, redis_server: RedisServer) -> Iterator[Rig]:
    publisher = Publisher(redis_server.client)
    publisher.start()
    edge = Edge(folder, {"SLIPWAY_TRUSTED_PROXIES": "127.0.0.1"}, {"limits_timeout_s": 5, **LONG_LEASES})
    edge.start()
    eventually(publisher.is_in_force)
    yield Rig(redis_server, edge, publisher)
    edge.stop()


@pytest.fixture
def slow(redis_server: RedisServer) -> Iterator[SlowRedis]:
    with short_folder() as folder:
        made = SlowRedis(folder / "slow.sock", redis_server)
        yield made
        made.close()


@pytest.fixture
def slow_rig(folder: Path, redis_server: RedisServer, slow: SlowRedis) -> Iterator[Rig]:
    """Its edge reaches Redis through `slow`."""
    publisher = Publisher(redis_server.client)
    publisher.start()
    path = slow._listener.getsockname()
    edge = Edge(folder, {"SLIPWAY_REDIS_URL": f"unix://{path}"}, {"limits_timeout_s": 2, **LONG_LEASES})
    edge.start()
    eventually(publisher.is_in_force)
    yield Rig(redis_server, edge, publisher)
    slow.close()
    edge.stop()


def calls(requests: int, **more) -> dict:
    return {"id": "1/calls", "name": "calls", "requests": requests, "per_s": DAY_S, **more}


def passed(rig: Rig, of: int) -> int:
    statuses = [rig.edge.ask(HOST).status for _ in range(of)]
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


def is_without_redis(rig: Rig) -> bool:
    found = re.search(r"^slipway_edge_limits_without_redis (\d)$", rig.edge.private("/metrics").body.decode(), re.M)
    assert found
    return found[1] == "1"


def test_without_redis_an_edge_allows_the_limit_and_not_more(rig, backend):
    rig.route(HOST, target(backend().port), limits=[calls(6)])
    assert passed(rig, of=2) == 2
    rig.redis.stop()

    assert 6 <= passed(rig, of=40) <= 12, "twice, where a day ends just now"
    assert is_without_redis(rig)
    assert rig.edge.ask(HOST).headers["ratelimit"].startswith('"calls";r=0;t=')
    assert rig.edge.ask(HOST).json["violated-policies"] == ["calls"]


def test_of_two_edges_each_allows_half(rig, backend):
    rig.redis.client.hset(CONFIRMED, "edge-2", "{}")
    rig.route(HOST, target(backend().port), limits=[calls(6, per_s=10**9)])
    assert passed(rig, of=1) == 1
    rig.redis.stop()

    assert passed(rig, of=40) == 3


def test_without_redis_a_token_that_nobody_can_check_is_counted_by_address(rig, backend):
    rig.route(HOST, target(backend().port), limits=[calls(3, per_s=10**9, by="token")])
    rig.redis.stop()
    answers = [rig.edge.ask(HOST, headers={"Authorization": f"Bearer slw_{number:043}"}) for number in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert rig.edge.ask(HOST).status == 200


def test_without_redis_callers_are_kept_apart_by_address_and_all_limits_hold(rig, backend):
    limits = [calls(4), calls(7, id="1/all", name="all", by="all")]
    rig.route(HOST, target(backend().port), limits=limits)
    rig.redis.stop()

    def of_client(address: str) -> int:
        answers = [rig.edge.ask(HOST, headers={"X-Forwarded-For": address}) for _ in range(10)]
        return sum(answer.status == 200 for answer in answers)

    found = [of_client(f"192.0.2.{number}") for number in range(3)]
    assert found[0] >= 4
    assert 7 <= sum(found) <= 14
    assert found[2] == 0 or sum(found) > 7


def test_without_redis_requests_under_way_are_counted_exactly(rig, backend, pool):
    app = backend()
    rig.route(HOST, target(app.port), limits=[{"id": "1/parallel", "name": "parallel", "at_once": 3}])
    rig.redis.stop()
    asked = [pool.submit(rig.edge.ask, HOST, "/slow") for _ in range(9)]
    eventually(lambda: sum(each.done() for each in asked) >= 6)
    app.release.set()
    assert sorted(each.result().status for each in asked) == [200] * 3 + [429] * 6
    eventually(lambda: rig.edge.ask(HOST).status == 200)


def test_when_redis_is_back_its_counts_are_in_force_again(rig, backend):
    rig.route(HOST, target(backend().port), limits=[calls(3)])
    rig.redis.stop()
    assert 3 <= passed(rig, of=9) <= 6
    rig.redis.start()
    eventually(lambda: not is_without_redis(rig))
    assert rig.edge.ask(HOST).headers["x-ratelimit-remaining"] == "2"


def test_requests_do_not_wait_for_a_redis_that_hangs(slow_rig, slow, backend):
    """The first one finds out; the others do not ask it."""
    slow_rig.route(HOST, target(backend().port), limits=[calls(6)])
    assert passed(slow_rig, of=1) == 1
    asked = slow.calls
    slow.fall_silent()
    assert 6 <= passed(slow_rig, of=30) <= 12
    assert slow.calls == asked + 1
    assert is_without_redis(slow_rig)
    assert slow_rig.edge.errors.read_text().count("limits are counted by this edge alone") == 1

    slow.talk()
    eventually(lambda: not is_without_redis(slow_rig))
    assert 3 <= int(slow_rig.edge.ask(HOST).headers["x-ratelimit-remaining"]) <= 4


def test_nor_for_one_that_is_slow(slow_rig, slow, backend):
    slow_rig.route(HOST, target(backend().port), limits=[calls(6)])
    asked = slow.calls
    slow.delay_s = 4.0
    assert 6 <= passed(slow_rig, of=30) <= 12
    assert slow.calls == asked + 1
    slow.delay_s = 0.0
    eventually(lambda: not is_without_redis(slow_rig))


def test_a_redis_that_refuses_to_write_is_as_none(rig, backend):
    rig.route(HOST, target(backend().port), limits=[calls(6)])
    rig.redis.client.config_set("maxmemory", "1")
    assert 6 <= passed(rig, of=30) <= 12
    eventually(lambda: is_without_redis(rig))
    rig.redis.client.config_set("maxmemory", "0")


def test_requests_that_end_while_redis_hangs_are_given_back_when_it_answers(slow_rig, slow, backend, pool):
    app = backend()
    slow_rig.route(HOST, target(app.port), limits=[{"id": "1/parallel", "name": "parallel", "at_once": 3}])
    asked = [pool.submit(slow_rig.edge.ask, HOST, "/slow") for _ in range(3)]
    eventually(lambda: len(app.record.requests) == 3)
    slow.fall_silent()
    assert slow_rig.edge.ask(HOST).status == 200
    assert is_without_redis(slow_rig)
    app.release.set()
    assert [each.result().status for each in asked] == [200] * 3
    slow.talk()
    eventually(lambda: not is_without_redis(slow_rig))
    eventually(lambda: not [*slow_rig.redis.client.scan_iter("slipway:limits:state:*")])


def test_a_count_that_can_not_be_read_concerns_its_own_limit_only(rig, backend):
    rig.redis.client.lpush("slipway:limits:state:1/calls:127.0.0.1", "of another type")
    rig.route(HOST, target(backend().port), limits=[calls(3, per_s=10**9)])
    assert passed(rig, of=5) == 3
    assert not is_without_redis(rig)


def test_a_client_of_a_hanging_redis_that_leaves_is_not_under_way(slow_rig, slow, backend):
    slow_rig.route(HOST, target(backend().port), limits=[{"id": "1/parallel", "name": "parallel", "at_once": 1}])
    slow.fall_silent()
    asked = slow.calls
    with closing(slow_rig.edge.raw(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())):
        eventually(lambda: slow.calls > asked)
    slow.talk()
    eventually(lambda: slow_rig.edge.ask(HOST).status == 200)
