"""What a replica prints, over all of its containers, which follow each other when it is restarted."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator

from builder.agent.rollout.crashes import is_decided, output_notes
from builder.agent.scope import REASON
from builder.agent.telemetry import output
from builder.agent.telemetry.output import OutputStore
from slipway.core.rollout.replica_states import GONE
from slipway.db import Database
from slipway.errors import NotFound
from slipway.models import Replica
from slipway.ports.clock import Clock
from slipway.ports.runtime import ContainerRuntime


class ReplicaOutput:
    """Both calls raise `NotFound` when there is no such replica, and `DependencyUnavailable` when SQL or the runtime
    does not answer."""

    def __init__(self, db: Database, runtime: ContainerRuntime, store: OutputStore, clock: Clock) -> None:
        self._db = db
        self._runtime = runtime
        self._store = store
        self._clock = clock

    def so_far(self, replica_id: str, tail: int | None) -> Iterator[bytes]:
        """The last `tail` lines, or all."""
        row = self._row(replica_id)
        if row.container_id is None or row.state == GONE:
            return _end(self._store.kept(replica_id), tail)
        return self._with_earlier(row, self._runtime.logs(row.container_id, tail=tail), tail)

    def follow(self, replica_id: str, tail: int | None, after: str) -> Iterator[bytes]:
        """The last `tail` lines that were printed after the time `after`, then those to come, until its container ends.

        Empty lines are signs of life. The first item comes once everything later will.
        """
        row = self._row(replica_id)
        container_id = None if row.state == GONE else row.container_id
        earlier = self._kept(replica_id, after)
        try:
            own, coming = self._opened(container_id, tail, output.time_of(earlier[-1]) if earlier else after)
        except NotFound:  # the container was removed meanwhile, and its output is kept
            earlier, own, coming = self._kept(replica_id, after), 0, iter(())
        before = earlier if tail is None else earlier[max(0, len(earlier) - max(0, tail - own)) :]
        last = after
        for line in itertools.chain(before, coming):
            last = max(last, output.time_of(line))
            yield line
        yield from self._notes_on_end(replica_id, container_id, last)

    def _row(self, replica_id: str) -> Replica:
        with self._db.read(platform=REASON) as session:
            row = session.get(Replica, replica_id)
        if row is None:
            raise NotFound(f"there is no replica {replica_id}", remedy="see which there are: slipway ps --all")
        return row

    def _with_earlier(self, row: Replica, lines: Iterator[bytes], tail: int | None) -> Iterator[bytes]:
        """The kept lines of the replica's earlier containers, then the lines of the recorded one with the notes on its
        end. The first line is read now: when the container is missing, the kept lines are all that there is."""
        earlier = list(self._store.kept(row.id))
        try:
            first = list(itertools.islice(lines, 1))
        except NotFound:
            return _end(earlier, tail)
        with self._db.read(platform=REASON) as session:
            notes = output_notes(session, row, self._clock())
        printed = output.with_notes(itertools.chain(first, lines), notes)
        return _end(output.joined(earlier, printed), tail)

    def _notes_on_end(self, replica_id: str, container_id: str | None, after: str) -> list[bytes]:
        """How the container ended, if it is still the replica's recorded one, and ended after that time. While a pass
        has not decided what follows there are none: the reader asks again, and would skip the complete note, which has
        the same time."""
        with self._db.read(platform=REASON) as session:
            row = session.get(Replica, replica_id)
            is_its = row is not None and row.container_id == container_id and is_decided(row)
            notes = output_notes(session, row, self._clock()) if row and is_its else []
        return [note for note in notes if output.time_of(note) > after]

    def _kept(self, replica_id: str, after: str) -> list[bytes]:
        """The output of its containers that are gone."""
        return [line for line in self._store.kept(replica_id) if output.time_of(line) > after]

    def _opened(self, container_id: str | None, tail: int | None, after: str) -> tuple[int, Iterator[bytes]]:
        """How many lines of the tail are the container's own, and these with all that come."""
        if container_id is None:
            return 0, iter(())
        own = 0 if tail is None else sum(1 for _ in self._runtime.logs(container_id, tail=tail))
        coming = self._runtime.follow(container_id, tail=tail, after=after)
        return own, itertools.chain([next(coming, b"")], coming)


def _end(lines: Iterable[bytes], tail: int | None) -> Iterator[bytes]:
    return iter(lines) if tail is None else iter(deque(lines, maxlen=tail))
