"""The traffic that edges report through Redis: counts since they began (docs/reference/edge-metrics.md), and records
of what was used (docs/reference/usage-stream.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.core.usage.fields import CLASSES, LATENCY, Usage
from slipway.errors import DependencyUnavailable
from slipway.ports.clock import Clock
from slipway.ports.events import StreamEntry

FRESH_S = 5.0
"""An edge reports every second; an older report is no rate of now."""
_UNCOUNTED = "Redis does not answer, so what was used is counted later."
_UNREADABLE = "Redis does not answer, so the edges' counts can't be read."


@dataclass(frozen=True, slots=True)
class AppTraffic:
    """An app's traffic at one edge since `EdgeReport.since`."""

    requests: Mapping[str, int]
    """By class of status: 1xx … 5xx."""
    bytes_in: int
    bytes_out: int
    duration_s: float
    """All requests' together; without WebSockets and event streams."""
    requests_per_s: float
    latency: Usage
    """Requests by duration (`core.usage.fields.LATENCY`)."""


@dataclass(frozen=True, slots=True)
class ReplicaTraffic:
    """A replica's traffic at all edges since each began to count it."""

    requests: int = 0
    failed: int = 0
    """Those of them that were answered with 5xx."""
    requests_per_s: float = 0.0
    """At edges that are fresh."""
    inflight: int = 0
    """Requests and open connections, at edges that are fresh."""


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """One edge's report. Times are Unix seconds; None: it reported nothing (since Redis lost what it had)."""

    edge: str
    at: float | None
    since: float | None
    is_fresh: bool
    apps: Mapping[int, AppTraffic]
    inflight: Mapping[str, int]
    """Target → requests and open connections; only of an edge that is fresh."""


class EdgeMetrics:
    def __init__(self, redis: Redis, *, clock: Clock = time.time) -> None:
        self._redis = redis
        self._clock = clock

    def reports(self, edges: Sequence[str], app_ids: Sequence[int], targets: Sequence[str]) -> list[EdgeReport]:
        """Of each edge, about these apps and targets alone.

        Raises:
            DependencyUnavailable: Redis does not answer.
        """
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for edge in edges:
                    pipe.hmget(keys.metrics(edge), "at", "since", *map(str, app_ids))
                    pipe.hmget(keys.inflight(edge), "at", *targets)
                answers = pipe.execute()
        except RedisError as error:
            raise DependencyUnavailable(_UNREADABLE) from error
        pairs = zip(edges, answers[::2], answers[1::2], strict=True)
        return [self._report(edge, reported, app_ids, counts, targets) for edge, reported, counts in pairs]

    def replicas(self, edges: Sequence[str], ids: Sequence[str]) -> dict[str, ReplicaTraffic]:
        """Those that an edge reports, by id. Raises as `reports` does."""
        if not ids:
            return {}
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for edge in edges:
                    pipe.hmget(keys.replica_metrics(edge), "at", *ids)
                    pipe.hmget(keys.inflight(edge), "at", *ids)
                answers = pipe.execute()
        except RedisError as error:
            raise DependencyUnavailable(_UNREADABLE) from error
        found: dict[str, ReplicaTraffic] = {}
        for (at, *counts), (counted_at, *inflight) in zip(answers[::2], answers[1::2], strict=True):
            fresh, is_inflight = self._is_fresh(at), self._is_fresh(counted_at)
            for id_, text, under_way in zip(ids, counts, inflight, strict=True):
                if text or (is_inflight and under_way):
                    known = found.get(id_, ReplicaTraffic())
                    found[id_] = _with(known, text, fresh, int(under_way) if is_inflight and under_way else 0)
        return found

    def _report(
        self, edge: str, reported: list[Any], app_ids: Sequence[int], counts: list[Any], targets: Sequence[str]
    ) -> EdgeReport:
        at, since, *apps = reported
        return EdgeReport(
            edge=edge,
            at=float(at) if at else None,
            since=float(since) if since else None,
            is_fresh=self._is_fresh(at),
            apps={app_id: _traffic(text) for app_id, text in zip(app_ids, apps, strict=True) if text},
            inflight={target: int(count) for target, count in zip(targets, counts[1:], strict=True) if count}
            if self._is_fresh(counts[0])
            else {},
        )

    def _is_fresh(self, at: Any) -> bool:
        return at is not None and self._clock() - float(at) <= FRESH_S


def _with(known: ReplicaTraffic, text: str | bytes | None, fresh: bool, inflight: int) -> ReplicaTraffic:
    """What one more edge reports is added."""
    counts: dict[str, Any] = json.loads(text) if text else {"requests": [0], "requests_per_s": 0.0}
    return ReplicaTraffic(
        known.requests + sum(counts["requests"]),
        known.failed + counts["requests"][-1],
        known.requests_per_s + (counts["requests_per_s"] if fresh else 0.0),
        known.inflight + inflight,
    )


def _traffic(text: str | bytes) -> AppTraffic:
    counts = json.loads(text)
    return AppTraffic(
        requests=dict(zip(CLASSES, counts["requests"], strict=True)),
        bytes_in=counts["bytes_in"],
        bytes_out=counts["bytes_out"],
        duration_s=counts["duration_ms"] / 1000,
        requests_per_s=counts["requests_per_s"],
        latency=dict(zip(LATENCY, counts.get("latency", ()), strict=False)),
    )


class RedisUsageStream:
    """`slipway.ports.events.UsageStream`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def read(self, *, after: str = "", count: int) -> Sequence[StreamEntry]:
        try:
            found: Any = self._redis.xrange(keys.USAGE, min=f"({after}" if after else "-", count=count)
        except RedisError as error:
            raise DependencyUnavailable(_UNCOUNTED) from error
        return [StreamEntry(_text(id_), {_text(k): _text(v) for k, v in fields.items()}) for id_, fields in found]

    def remove(self, *, until: str) -> None:
        milliseconds, _, number = until.partition("-")
        try:
            self._redis.xtrim(keys.USAGE, minid=f"{milliseconds}-{int(number) + 1}", approximate=False)
        except RedisError as error:
            raise DependencyUnavailable(_UNCOUNTED) from error


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
