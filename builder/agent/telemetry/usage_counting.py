"""Keeps what is measured: edges' records and replicas' samples go into SQL, hours are put together, old rows go.

All of it in one thread of the agent: it is the only process of its kind on a host, and whoever moves minutes must be
the only one that adds to them. It pauses for longer the more there is to do, so that it never takes much of a core.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence

from builder.agent.telemetry.resource_samples import ResourceSamples
from slipway.db import Database
from slipway.domain.usage import expiry, folding, metering, sealing
from slipway.ports.clock import Clock
from slipway.ports.events import StreamEntry, UsageStream

log = logging.getLogger(__name__)

EVERY_S = 5.0
READ_AT_ONCE = 100
"""Entries in one answer of Redis."""
FOLD_BYTES = 2_000_000
"""Of records in one transaction: some ten thousand minutes of apps."""
PAUSE_FACTOR, PAUSE_MOST_S = 20, 60.0
"""The pause is so many times as long as the work took before it."""
SAMPLES_S, SEAL_S, EXPIRE_S = 30.0, 60.0, 3600.0


class UsageCounting:
    """`work` raises `DependencyUnavailable` when Redis or SQL does not answer. What was not written then is read again,
    or still there, the next time."""

    def __init__(self, db: Database, stream: UsageStream, samples: ResourceSamples, clock: Clock = time.time) -> None:
        self._db = db
        self._stream = stream
        self._samples = samples
        self._clock = clock
        self._paused_until = 0.0
        self._due = dict.fromkeys((self.count_samples, self.seal, self.expire), 0.0)

    def work(self) -> None:
        """One round, unless it pauses. What Redis has can't be counted while it does not answer; all else goes on."""
        began = time.monotonic()
        if began < self._paused_until:
            return
        try:
            for each, every_s in ((self.count_samples, SAMPLES_S), (self.seal, SEAL_S), (self.expire, EXPIRE_S)):
                if began >= self._due[each]:
                    each()
                    self._due[each] = began + every_s
            self.count_records()
        finally:
            took = time.monotonic() - began
            self._paused_until = began + took + min(PAUSE_MOST_S, PAUSE_FACTOR * took)

    def count_records(self) -> int:
        """All that are in the stream; says how many."""
        counted = 0
        for entries in self._batches():
            counted += folding.fold(self._db, entries, self._clock()).records
            self._stream.remove(until=entries[-1].id)
        return counted

    def count_samples(self) -> None:
        if stretches := self._samples.take():
            metering.count(self._db, stretches)
            self._samples.written()

    def seal(self) -> int:
        return sealing.seal(self._db, self._clock())

    def expire(self) -> int:
        removed = expiry.expire(self._db, self._clock())
        if removed:
            log.info("old rows of use removed", extra={"rows": removed})
        return removed

    def _batches(self) -> Iterator[Sequence[StreamEntry]]:
        """From the stream's beginning: what is counted is removed, or is skipped by its number."""
        while True:
            batch: list[StreamEntry] = []
            size, found = 0, READ_AT_ONCE
            while found == READ_AT_ONCE and size < FOLD_BYTES:
                read = self._stream.read(after=batch[-1].id if batch else "", count=READ_AT_ONCE)
                found = len(read)
                size += sum(len(each.fields.get("record", "")) for each in read)
                batch += read
            if batch:
                yield batch
            if found < READ_AT_ONCE:
                return
