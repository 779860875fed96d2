"""RedisRoutes on a real Redis, and a real edge that follows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.routes import RedisRoutes
from slipway.adapters.redis.work_queue import connect
from slipway.errors import DependencyUnavailable
from slipway.ports.routes import Position, UnderWay
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually
from tests.integration.routes.conftest import EDGE, Rig

MANY = 10_000
NOW = 5_000.0


def entry(port: int, *, app: str = "1", generation: int = 1) -> dict[str, Any]:
    return {
        "app": app, "name": "shop", "tenant": "acme", "generation": generation,
        "targets": [{"id": f"r-{port}", "address": "127.0.0.1", "port": port}],
        "timeouts": {"connect_s": 2, "read_s": 60}, "max_body_bytes": 1 << 20,
    }  # fmt: skip


def test_an_edge_serves_a_published_route_and_says_so(rig: Rig, backend: int) -> None:
    rig.routes.publish_all(Position("a", 1), {})
    eventually(lambda: rig.confirmed(Position("a", 1)), what="the edge holds the empty table")
    assert rig.ask("shop.localhost")[0] == 404
    rig.routes.publish(Position("a", 2), {"shop.localhost": entry(backend, generation=2)})
    eventually(lambda: rig.confirmed(Position("a", 2)), within_s=5, what="confirmed")
    assert rig.ask("shop.localhost") == (200, b"hello")
    rig.routes.publish(Position("a", 3), {"shop.localhost": None})
    eventually(lambda: rig.confirmed(Position("a", 3)), within_s=5, what="confirmed")
    assert rig.ask("shop.localhost")[0] == 404


def test_a_generation_without_changes_is_confirmed_too(rig: Rig, backend: int) -> None:
    rig.routes.publish_all(Position("a", 1), {"shop.localhost": entry(backend)})
    rig.routes.publish(Position("a", 2), {})
    eventually(lambda: rig.confirmed(Position("a", 2)), within_s=5, what="confirmed")
    assert rig.ask("shop.localhost")[0] == 200


def test_a_new_epoch_reaches_the_edge_at_once(rig: Rig, backend: int) -> None:
    rig.routes.publish_all(Position("a", 1), {"old.localhost": entry(backend)})
    eventually(lambda: rig.confirmed(Position("a", 1)), what="confirmed")
    rig.routes.publish_all(Position("b", 2), {"new.localhost": entry(backend)})
    eventually(lambda: rig.confirmed(Position("b", 2)), within_s=5, what="confirmed")
    assert (rig.ask("old.localhost")[0], rig.ask("new.localhost")[0]) == (404, 200)


def test_the_count_of_requests_under_way_is_one_taken_after_the_confirmation(rig: Rig, backend: int) -> None:
    rig.routes.publish_all(Position("a", 1), {"shop.localhost": entry(backend)})
    eventually(lambda: rig.confirmed(Position("a", 1)), what="confirmed")
    target, none = f"r-{backend}", {EDGE: {f"r-{backend}": UnderWay(0)}}
    eventually(lambda: rig.routes.inflight([EDGE], [target]) == none, within_s=5, what="the edge counts")


def test_ten_thousand_hosts_change_one_after_the_other(rig: Rig, backend: int) -> None:
    table = {f"app-{n}.localhost": entry(backend, app=str(n)) for n in range(MANY)}
    rig.routes.publish_all(Position("a", 1), table)
    eventually(lambda: rig.confirmed(Position("a", 1)), within_s=20, what="the edge holds them all")
    assert rig.ask(f"app-{MANY - 1}.localhost")[0] == 200
    for generation in range(2, 22):
        position = Position("a", generation)
        rig.routes.publish(position, {f"app-{generation}.localhost": None})
        eventually(lambda position=position: rig.confirmed(position), every_s=0.001, within_s=5)


def test_a_change_of_every_host_at_once_reaches_the_edge(rig: Rig, backend: int) -> None:
    """More records than the stream is trimmed to."""
    rig.routes.publish_all(Position("a", 1), {})
    table = {f"app-{n}.localhost": entry(backend, app=str(n), generation=2) for n in range(MANY + 2000)}
    rig.routes.publish(Position("a", 2), table)
    eventually(lambda: rig.confirmed(Position("a", 2)), within_s=20, what="confirmed")
    assert rig.ask("app-0.localhost")[0] == 200


# -- what stands in Redis --------------------------------------------------------------------------------------------


def test_each_changed_host_is_a_record_and_the_last_one_counts_them(redis_url: str) -> None:
    with connect(redis_url) as redis:
        routes = RedisRoutes(redis)
        routes.publish_all(Position("a", 1), {})
        routes.publish(Position("a", 2), {"a.localhost": entry(1), "b.localhost": None})
        records = [
            {k.decode(): v.decode() for k, v in fields.items()} for _, fields in redis.xrange(keys.ROUTES_DELTAS)
        ]
    assert records == [
        {"epoch": "a", "generation": "1", "host": "", "entry": "", "last": "1"},
        {"epoch": "a", "generation": "2", "host": "a.localhost", "entry": json.dumps(entry(1))},
        {"epoch": "a", "generation": "2", "host": "b.localhost", "entry": "", "last": "1", "count": "2"},
    ]


def test_the_stream_stays_short(redis_url: str) -> None:
    with connect(redis_url) as redis:
        routes = RedisRoutes(redis)
        routes.publish_all(Position("a", 1), {})
        for generation in range(2, 14):
            routes.publish(Position("a", generation), {f"{n}.localhost": None for n in range(1000)})
        assert redis.xlen(keys.ROUTES_DELTAS) <= 10_200


def test_a_table_that_is_lost_between_the_look_and_the_change_is_not_written(redis_url: str) -> None:
    with connect(redis_url) as redis, connect(redis_url) as other:
        routes = RedisRoutes(redis)
        routes.publish_all(Position("a", 1), {"a.localhost": entry(1)})
        pipeline = redis.pipeline

        def losing_pipeline(**options: Any) -> Any:
            pipe = pipeline(**options)
            multi = pipe.multi

            def lose_then_multi() -> None:
                other.flushall()
                multi()

            pipe.multi = lose_then_multi
            return pipe

        redis.pipeline = losing_pipeline  # type: ignore[method-assign]
        with pytest.raises(DependencyUnavailable):
            routes.publish(Position("a", 2), {"b.localhost": entry(2)})
        assert other.exists(keys.ROUTES_META, keys.ROUTES_TABLE) == 0


@pytest.mark.parametrize(
    ("counted_at", "confirmed_at", "expected"),
    [
        (NOW - 1, NOW - 2, UnderWay(4, 1)),
        (NOW - 3, NOW - 5, None),  # too old: the edge may be gone
        (NOW - 1, NOW - 0.5, None),  # from before the confirmation: requests may have read the old routes
        (NOW - 1, NOW - 1, None),  # at the same moment: not certain either
    ],
)
def test_a_count_counts_when_it_is_young_and_younger_than_the_confirmation(
    redis_url: str, counted_at: float, confirmed_at: float, expected: UnderWay | None
) -> None:
    with connect(redis_url) as redis:
        redis.hset(keys.inflight(EDGE), mapping={"at": counted_at, "r-1": 4, "r-1 streams": 1})
        redis.hset(keys.CONFIRMED, EDGE, json.dumps({"epoch": "a", "generation": 1, "at": confirmed_at}))
        found = RedisRoutes(redis, clock=lambda: NOW).inflight([EDGE], ["r-1"])
        assert found == ({EDGE: {"r-1": expected}} if expected else {})


def test_what_is_under_way_takes_one_round_trip_however_many_edges_and_replicas_there_are(redis_url: str) -> None:
    edges, replicas = [f"edge-{n}" for n in range(5)], [f"r-{n}" for n in range(20)]
    with connect(redis_url) as redis, counting_round_trips(redis) as trips:
        for edge in edges:
            redis.hset(keys.inflight(edge), mapping={"at": NOW - 1, "r-7": 3, "r-7 streams": 1})
            redis.hset(keys.CONFIRMED, edge, json.dumps({"epoch": "a", "generation": 1, "at": NOW - 2}))
        trips.clear()
        counts = RedisRoutes(redis, clock=lambda: NOW).inflight(edges, replicas)
        assert len(trips) == 1
    assert {edge: found["r-7"] for edge, found in counts.items()} == dict.fromkeys(edges, UnderWay(3, 1))


@contextmanager
def counting_round_trips(redis: Redis) -> Iterator[list[str]]:
    """One entry for each batch of commands that is sent."""
    trips: list[str] = []
    connection = redis.connection_pool.connection_class
    send = connection.send_packed_command

    def counted(self: Any, command: Any, check_health: bool = True) -> None:
        trips.append(str(command)[:60])
        send(self, command, check_health)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection, "send_packed_command", counted)
        yield trips


def test_an_answering_redis_that_refuses_is_unavailable(own_redis: RedisServer) -> None:
    with connect(own_redis.url) as redis:
        routes = RedisRoutes(redis)
        routes.publish_all(Position("a", 1), {})
        redis.config_set("maxmemory", "1")
        with pytest.raises(DependencyUnavailable):
            routes.publish(Position("a", 2), {"a.localhost": entry(1)})
        assert routes.position() == Position("a", 1)
