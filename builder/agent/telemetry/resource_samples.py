"""Samples what replicas use, for the history of it: one look at their counters every few seconds, in one thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from slipway.core.usage import fields
from slipway.core.usage.fields import Usage
from slipway.core.usage.sampling import Counters, minute_between, used_between
from slipway.domain.usage.metering import Stretch
from slipway.errors import NotFound
from slipway.ports.clock import Clock
from slipway.ports.runtime import ContainerRuntime, Observed

EVERY_S = 10.0
NEW_MS = 300_000
"""A container that was started before that and was never sampled is counted from now on: it ran before there was any
counting. A newer one is counted from its start."""
MINUTES_MOST = 180
"""Of a replica that wait to be written, while the database is unreachable. Later use goes to the beginning of its
hour."""
KnownCounters = Callable[[Sequence[str]], Mapping[str, Counters]]


@dataclass(slots=True)
class _Open:
    """What is to be written of one replica."""

    up_to: Counters
    minutes: dict[int, Usage] = field(default_factory=dict)


class ResourceSamples:
    """`take` gives what was used since the last one; the same again until `written`, since nobody may know whether it
    was.

    Args:
        running: what runs now.
        known: what replicas' use is counted up to in SQL.
    """

    def __init__(
        self,
        runtime: ContainerRuntime,
        running: Callable[[], Iterable[Observed]],
        known: KnownCounters,
        clock: Clock = time.time,
    ) -> None:
        self._runtime = runtime
        self._running = running
        self._known = known
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, Counters] = {}
        self._open: dict[str, _Open] = {}
        self._taken: dict[str, Stretch] = {}

    def sample(self) -> None:
        """Raises `DependencyUnavailable`: what is used meanwhile is seen at the next sample."""
        replicas = {each.replica_id: each for each in self._running() if each.running and not each.task}
        self._begin([each for each in replicas.values() if each.replica_id not in self._last])
        now = {each.replica_id: found for each in replicas.values() if (found := self._counters(each))}
        with self._lock:
            for replica_id, counters in now.items():
                self._add(replicas[replica_id], self._last[replica_id], counters)
            self._last = {id_: now.get(id_, last) for id_, last in self._last.items() if id_ in replicas}

    def take(self) -> Mapping[str, Stretch]:
        """By replica."""
        with self._lock:
            if not self._taken:
                self._taken = {id_: Stretch(each.up_to, each.minutes) for id_, each in self._open.items()}
                self._open = {}
            return self._taken

    def written(self) -> None:
        """What was taken counts in SQL."""
        self._taken = {}

    def _begin(self, new: Sequence[Observed]) -> None:
        known = self._known([each.replica_id for each in new]) if new else {}
        for each in new:
            started_ms = _started_ms(each)
            if each.replica_id in known:
                self._last[each.replica_id] = known[each.replica_id]
            elif started_ms > self._clock() * 1000 - NEW_MS:
                self._last[each.replica_id] = Counters(each.container_id, started_ms)
            elif counters := self._counters(each):
                self._last[each.replica_id] = counters

    def _counters(self, replica: Observed) -> Counters | None:
        """None: it has just ended. What it used since the last sample is not seen."""
        try:
            use = self._runtime.usage(replica.container_id)
            network = self._runtime.network_use(replica.container_id)
        except NotFound:
            return None
        counters = Counters(
            replica.container_id,
            at_ms=round(use.at * 1000),
            cpu_us=round(use.cpu_s * 1_000_000),
            memory_bytes=use.memory_bytes,
            memory_limit_bytes=use.memory_limit_bytes or 0,
        )
        if network is None:
            return counters
        return replace(counters, network_in_bytes=network.in_bytes, network_out_bytes=network.out_bytes)

    def _add(self, replica: Observed, before: Counters, now: Counters) -> None:
        started_ms = _started_ms(replica)
        minute = minute_between(before, now, started_ms)
        stretch = self._open.setdefault(replica.replica_id, _Open(now))
        if len(stretch.minutes) >= MINUTES_MOST and minute not in stretch.minutes:
            minute -= minute % 60
        fields.add(stretch.minutes.setdefault(minute, {}), used_between(before, now, started_ms))
        stretch.up_to = now


def _started_ms(replica: Observed) -> int:
    return round((replica.started_at or 0) * 1000)
