"""What edges count of single apps and replicas, for whoever looks at it while it changes
(docs/reference/edge-metrics.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.adapters.redis.edge_metrics import FRESH_S
from slipway.errors import DependencyUnavailable
from slipway.ports.clock import Clock

WATCHED_S = 3
"""Edges report often for so long after a look."""
_UNREADABLE = "Redis does not answer, so the edges' counts can't be read."


class Kind(StrEnum):
    APP = "app"
    REPLICA = "replica"


class Subject(NamedTuple):
    """What is counted apart."""

    kind: Kind
    id: str
    """An app's number, or a replica's id."""


@dataclass(frozen=True, slots=True)
class Counts:
    """At all edges since each began to count it; the rate at those that are fresh."""

    requests: int
    failed: int
    """Those of them that were answered with 5xx."""
    requests_per_s: float


_Reported = tuple[tuple[bytes | None, bool], ...]
"""By edge: its report, and whether it is fresh."""


class EdgeCounts:
    def __init__(self, redis: Redis, *, clock: Clock = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._known: dict[Subject, tuple[_Reported, Counts]] = {}
        """As of the last look: a report is parsed once."""

    def look(self, edges: Sequence[str], subjects: Iterable[Subject]) -> dict[Subject, Counts]:
        """Of those that an edge reports. Where nothing has changed since the last look, it is the same object. Edges
        report more often from now on, for a while.

        Raises:
            DependencyUnavailable: Redis does not answer.
        """
        wanted = [[each for each in subjects if each.kind is kind] for kind in Kind]
        reports = zip(*self._read(edges, *wanted), strict=True)
        ordered = (each for of_kind in wanted for each in of_kind)
        self._known = {
            subject: self._counted(subject, reported)
            for subject, reported in zip(ordered, reports, strict=False)
            if any(text for text, _ in reported)
        }
        return {subject: counts for subject, (_, counts) in self._known.items()}

    def _read(
        self, edges: Sequence[str], apps: Sequence[Subject], replicas: Sequence[Subject]
    ) -> list[list[tuple[bytes | None, bool]]]:
        """By edge: what it reports of each, apps first."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(keys.WATCHED, 1, ex=WATCHED_S)
                for edge in edges:
                    pipe.hmget(keys.metrics(edge), "at", *(each.id for each in apps))
                    pipe.hmget(keys.replica_metrics(edge), *(each.id for each in replicas), "at")
                answers = pipe.execute()[1:]
        except RedisError as error:
            raise DependencyUnavailable(_UNREADABLE) from error
        return [
            [(text, self._is_fresh(of_apps[0])) for text in (*of_apps[1:], *of_replicas[:-1])]
            for of_apps, of_replicas in zip(answers[::2], answers[1::2], strict=True)
        ]

    def _counted(self, subject: Subject, reported: _Reported) -> tuple[_Reported, Counts]:
        known = self._known.get(subject)
        if known is not None and known[0] == reported:
            return known
        documents = [(json.loads(text), fresh) for text, fresh in reported if text]
        counts = Counts(
            sum(sum(each["requests"]) for each, _ in documents),
            sum(each["requests"][-1] for each, _ in documents),
            sum(each["requests_per_s"] for each, fresh in documents if fresh),
        )
        return reported, counts

    def _is_fresh(self, at: Any) -> bool:
        return at is not None and self._clock() - float(at) <= FRESH_S
