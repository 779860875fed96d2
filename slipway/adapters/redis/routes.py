"""Publishes the route table through Redis (docs/reference/edge-protocol.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError, WatchError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable
from slipway.ports.clock import Clock
from slipway.ports.routes import Entries, Load, Position, UnderWay

DELTAS_KEPT = 10_000
LOAD_KEPT_S = 10  # an edge believes half as long
COUNT_AGE_MAX_S = 2.5  # an edge counts at least every second


class RedisRoutes:
    """`slipway.ports.routes.RoutePublisher` on Redis. There is one publisher at a time: the agent."""

    def __init__(self, redis: Redis, *, clock: Clock = time.time) -> None:
        self._redis = redis
        self._clock = clock

    def position(self) -> Position | None:
        with _reaching("the route table can't be read"):
            return _position(self._redis.hmget(keys.ROUTES_META, "epoch", "generation"))

    def publish(self, position: Position, changes: Entries) -> None:
        """Publish what one generation changed. Publishing a generation again changes nothing for the edges.

        Raises:
            DependencyUnavailable: also when Redis no longer holds the table that these are changes of: then the whole
                table has to be published.
        """
        with _reaching("the routes can't be published"), self._redis.pipeline() as pipe:
            # A Redis that was emptied a moment ago must not get a table that holds these changes alone.
            pipe.watch(keys.ROUTES_META)  # type: ignore[no-untyped-call]
            published = _position(pipe.hmget(keys.ROUTES_META, "epoch", "generation"))
            if published is None or not _follows(position, published):
                raise DependencyUnavailable(
                    "Redis no longer holds the route table that was published.",
                    remedy="the agent publishes the whole table",
                )
            pipe.multi()
            _write_changes(pipe, position, changes)
            pipe.execute()

    def publish_all(self, position: Position, table: Entries) -> None:
        """The stream goes on, so that its ids keep growing; the edges learn from one record of the new epoch."""
        entries: dict[Any, Any] = {host: json.dumps(entry) for host, entry in table.items() if entry is not None}
        with _reaching("the routes can't be published"), self._redis.pipeline(transaction=True) as pipe:
            pipe.unlink(keys.ROUTES_TABLE)
            if entries:
                pipe.hset(keys.ROUTES_TABLE, mapping=entries)
            _add(pipe, position, host="", entry="", last=1)
            _move(pipe, position)
            pipe.execute()

    def confirmations(self) -> Mapping[str, Position]:
        with _reaching("the edges' confirmations can't be read"):
            raw: dict[Any, Any] = self._redis.hgetall(keys.CONFIRMED)
        confirmed = {_text(edge): json.loads(document) for edge, document in raw.items()}
        return {edge: Position(each["epoch"], int(each["generation"])) for edge, each in confirmed.items()}

    def inflight(self, edges: Collection[str], target_ids: Collection[str]) -> Mapping[str, Mapping[str, UnderWay]]:
        """One round trip. An edge is missing that did not count lately, or not since its last confirmation."""
        edges, targets = list(edges), list(target_ids)
        if not edges:
            return {}
        fields = ["at", *targets, *(f"{target} streams" for target in targets)]
        with _reaching("the requests under way can't be read"), self._redis.pipeline(transaction=True) as pipe:
            for edge in edges:
                pipe.hmget(keys.inflight(edge), fields)
            pipe.hmget(keys.CONFIRMED, edges)
            *counted, confirmations = pipe.execute()
        return {
            edge: _under_way(targets, counts)
            for edge, (at, *counts), confirmation in zip(edges, counted, confirmations, strict=True)
            if self._is_recent(at, confirmation)
        }

    def _is_recent(self, counted: bytes | None, confirmation: bytes | None) -> bool:
        if counted is None or confirmation is None:
            return False
        counted_at, confirmed_at = float(counted), float(json.loads(confirmation)["at"])
        return counted_at > confirmed_at and self._clock() - counted_at <= COUNT_AGE_MAX_S

    def publish_loads(self, loads: Mapping[str, Load]) -> None:
        fields: dict[Any, Any] = {id_: json.dumps({"cpu": load.cpu, "at": load.at}) for id_, load in loads.items()}
        with _reaching("the replicas' loads can't be published"), self._redis.pipeline(transaction=True) as pipe:
            pipe.unlink(keys.LOAD)
            if fields:
                pipe.hset(keys.LOAD, mapping=fields)
                pipe.expire(keys.LOAD, LOAD_KEPT_S)
            pipe.execute()


@contextmanager
def _reaching(what: str) -> Iterator[None]:
    try:
        yield
    except WatchError as error:
        raise DependencyUnavailable(f"Another process publishes routes; {what}.", remedy="run one agent") from error
    except RedisError as error:
        raise DependencyUnavailable(f"Redis does not answer; {what}.", remedy="it will be tried again") from error


def _under_way(targets: Sequence[str], counts: Sequence[bytes | None]) -> dict[str, UnderWay]:
    requests, streams = counts[: len(targets)], counts[len(targets) :]
    pairs = zip(targets, requests, streams, strict=True)
    return {target: UnderWay(int(all_of_them or 0), int(long or 0)) for target, all_of_them, long in pairs}


def _write_changes(pipe: Pipeline, position: Position, changes: Entries) -> None:
    for number, (host, entry) in enumerate(changes.items(), start=1):
        document = "" if entry is None else json.dumps(entry)
        if document:
            pipe.hset(keys.ROUTES_TABLE, host, document)
        else:
            pipe.hdel(keys.ROUTES_TABLE, host)
        ending = {"last": 1, "count": number} if number == len(changes) else {}
        _add(pipe, position, host=host, entry=document, **ending)
    if not changes:
        _add(pipe, position, host="", entry="", last=1, count=1)
    _move(pipe, position)


def _follows(position: Position, published: Position) -> bool:
    """As the next generation, or the same one again. A Redis that came back from an older dump lacks some between."""
    return published.epoch == position.epoch and position.generation - published.generation in (0, 1)


def _add(pipe: Pipeline, position: Position, **fields: str | int) -> None:
    record: dict[Any, Any] = {"epoch": position.epoch, "generation": position.generation, **fields}
    pipe.xadd(keys.ROUTES_DELTAS, record, maxlen=DELTAS_KEPT, approximate=True)


def _move(pipe: Pipeline, position: Position) -> None:
    pipe.hset(keys.ROUTES_META, mapping={"epoch": position.epoch, "generation": position.generation})


def _position(fields: Any) -> Position | None:
    epoch, generation = fields
    return None if epoch is None or generation is None else Position(_text(epoch), int(generation))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
