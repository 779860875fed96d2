"""What every route publisher promises the agent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from slipway.adapters.redis import keys
from slipway.adapters.redis.routes import RedisRoutes
from slipway.adapters.redis.work_queue import connect
from slipway.errors import DependencyUnavailable
from slipway.ports.routes import Position, RoutePublisher, UnderWay
from tests.fakes import FakePublisher
from tests.fixtures.services.redis_server import RedisServer

FIRST, SECOND = Position("a", 7), Position("a", 8)
ENTRY = {"app": "1", "targets": [{"id": "r-1", "address": "10.210.1.5", "port": 8000}]}
NOW = 1000.0


class RoutesRig(Protocol):
    routes: RoutePublisher

    def table(self) -> dict[str, Any]: ...

    def lose(self) -> None:
        """What was published is lost."""
        ...

    def edge_tells(self, edge: str, position: Position, counts: dict[str, int]) -> None:
        """An edge confirms, and counts afterwards."""
        ...

    def go_away(self) -> None: ...

    def close(self) -> None: ...


class FakeRig:
    def __init__(self) -> None:
        self.fake = FakePublisher("edge-1")
        self.routes: RoutePublisher = self.fake

    def table(self) -> dict[str, Any]:
        return self.fake.table

    def lose(self) -> None:
        self.fake.lose()

    def edge_tells(self, edge: str, position: Position, counts: dict[str, int]) -> None:
        assert self.fake.position() == position
        self.fake.confirm(edge)
        self.fake.counts.update({(edge, target): count for target, count in counts.items()})

    def go_away(self) -> None:
        self.fake.away = True

    def close(self) -> None:
        pass


class RedisRig:
    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.redis = connect(server.url)
        self.routes: RoutePublisher = RedisRoutes(self.redis, clock=lambda: NOW)

    def table(self) -> dict[str, Any]:
        return {host.decode(): json.loads(entry) for host, entry in self.redis.hgetall(keys.ROUTES_TABLE).items()}

    def lose(self) -> None:
        self.redis.delete(keys.ROUTES_META, keys.ROUTES_TABLE)

    def edge_tells(self, edge: str, position: Position, counts: dict[str, int]) -> None:
        confirmed = {"epoch": position.epoch, "generation": position.generation, "at": NOW - 1}
        self.redis.hset(keys.CONFIRMED, edge, json.dumps(confirmed))
        self.redis.hset(keys.inflight(edge), mapping={"at": f"{NOW - 0.5:.3f}", **counts})

    def go_away(self) -> None:
        self.server.stop()

    def close(self) -> None:
        self.redis.close()


@pytest.fixture(params=["fake", "redis"])
def rig(request: pytest.FixtureRequest) -> Iterator[RoutesRig]:
    rig: RoutesRig = FakeRig() if request.param == "fake" else RedisRig(request.getfixturevalue("own_redis"))
    yield rig
    rig.close()


def test_nothing_is_published_at_first(rig: RoutesRig) -> None:
    assert rig.routes.position() is None
    assert rig.routes.confirmations() == {}
    assert rig.routes.inflight(["edge-1"], ["r-1"]) == {}


def test_the_whole_table_stands_under_its_position(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {"shop.localhost": ENTRY, "gone.localhost": None})
    assert rig.routes.position() == FIRST
    assert rig.table() == {"shop.localhost": ENTRY}


def test_a_generation_changes_adds_and_removes_hosts(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {"a.localhost": ENTRY, "b.localhost": ENTRY})
    rig.routes.publish(SECOND, {"a.localhost": {"app": "2"}, "b.localhost": None, "c.localhost": ENTRY})
    assert rig.routes.position() == SECOND
    assert rig.table() == {"a.localhost": {"app": "2"}, "c.localhost": ENTRY}


def test_the_whole_table_replaces_what_was_there(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {"old.localhost": ENTRY})
    rig.routes.publish_all(Position("b", 9), {"new.localhost": ENTRY})
    assert rig.table() == {"new.localhost": ENTRY}


def test_a_generation_without_changes_moves_the_position(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {"a.localhost": ENTRY})
    rig.routes.publish(SECOND, {})
    assert (rig.routes.position(), rig.table()) == (SECOND, {"a.localhost": ENTRY})


def test_the_same_generation_may_be_published_again(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {})
    for _ in range(2):
        rig.routes.publish(SECOND, {"a.localhost": ENTRY})
    assert (rig.routes.position(), rig.table()) == (SECOND, {"a.localhost": ENTRY})


@pytest.mark.parametrize(
    "position", [Position("other", 8), Position("a", 6), Position("a", 9)], ids=["epoch", "past", "gap"]
)
def test_changes_of_another_table_are_refused(rig: RoutesRig, position: Position) -> None:
    rig.routes.publish_all(FIRST, {"a.localhost": ENTRY})
    with pytest.raises(DependencyUnavailable):
        rig.routes.publish(position, {"a.localhost": None})
    assert (rig.routes.position(), rig.table()) == (FIRST, {"a.localhost": ENTRY})


def test_changes_of_a_lost_table_are_not_taken_for_all_of_it(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {"a.localhost": ENTRY, "b.localhost": ENTRY})
    rig.lose()
    with pytest.raises(DependencyUnavailable):
        rig.routes.publish(SECOND, {"a.localhost": ENTRY})
    assert (rig.routes.position(), rig.table()) == (None, {})


def test_an_edge_reports_what_it_confirmed_and_what_is_under_way(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {})
    rig.edge_tells("edge-1", FIRST, {"r-1": 3, "r-1 streams": 2, "r-3": 1})
    assert rig.routes.confirmations() == {"edge-1": FIRST}
    counts = {"r-1": UnderWay(requests=3, streams=2), "r-2": UnderWay(0), "r-3": UnderWay(1)}
    assert rig.routes.inflight(["edge-1", "edge-2"], ["r-1", "r-2", "r-3"]) == {"edge-1": counts}


def test_a_closed_way_is_unavailable(rig: RoutesRig) -> None:
    rig.routes.publish_all(FIRST, {})
    rig.go_away()
    for call in (
        rig.routes.position,
        rig.routes.confirmations,
        lambda: rig.routes.publish(SECOND, {}),
        lambda: rig.routes.publish_all(SECOND, {}),
        lambda: rig.routes.inflight(["edge-1"], ["r-1"]),
        lambda: rig.routes.publish_loads({}),
    ):
        with pytest.raises(DependencyUnavailable):
            call()
