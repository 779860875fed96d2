"""What a run prints: from its container, and from what is kept once that is gone."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator

from builder.agent.runs.holding import holder, run_of
from builder.agent.scope import REASON
from builder.agent.telemetry.output import OutputStore, time_of
from builder.agent.telemetry.replica_output import ReplicaOutput
from slipway.core.runs.states import RUNNING
from slipway.db import Database
from slipway.errors import NotFound
from slipway.models import Run
from slipway.ports.runtime import ContainerRuntime


class RunOutput:
    """Both calls raise `NotFound` when there is no such run."""

    def __init__(self, db: Database, runtime: ContainerRuntime, store: OutputStore) -> None:
        self._db = db
        self._runtime = runtime
        self._store = store

    def so_far(self, run_id: int, tail: int | None) -> Iterator[bytes]:
        """The last `tail` lines, or all."""
        container_id = self._container(run_id)
        if container_id is not None:
            try:
                lines = self._runtime.logs(container_id, tail=tail)
                return itertools.chain([*itertools.islice(lines, 1)], lines)
            except NotFound:
                pass  # it has ended meanwhile, and its output is kept
        return _end(self._store.kept(holder(run_id)), tail)

    def follow(self, run_id: int, tail: int | None, after: str) -> Iterator[bytes]:
        """The last `tail` lines that were printed after the time `after`, then those to come, until its container ends.
        Empty lines are signs of life. Nothing while it has not begun."""
        container_id = self._container(run_id)
        if container_id is not None:
            try:
                coming = self._runtime.follow(container_id, tail=tail, after=after)
                return itertools.chain([next(coming, b"")], coming)
            except NotFound:
                pass
        kept = (line for line in self._store.kept(holder(run_id)) if time_of(line) > after)
        return _end(kept, tail)

    def _container(self, run_id: int) -> str | None:
        """None: it has not begun, or has ended."""
        with self._db.read(platform=REASON) as session:
            row = session.get(Run, run_id)
        if row is None:
            raise NotFound(f"there is no run {run_id}", remedy="see which there are: slipway runs")
        return row.container_id if row.state == RUNNING else None


class HolderOutput:
    """What a container prints, by the id of who holds it: a replica, or a run."""

    def __init__(self, replicas: ReplicaOutput, runs: RunOutput) -> None:
        self._replicas = replicas
        self._runs = runs

    def so_far(self, holder_id: str, tail: int | None) -> Iterator[bytes]:
        run = run_of(holder_id)
        return self._replicas.so_far(holder_id, tail) if run is None else self._runs.so_far(run, tail)

    def follow(self, holder_id: str, tail: int | None, after: str) -> Iterator[bytes]:
        run = run_of(holder_id)
        return self._replicas.follow(holder_id, tail, after) if run is None else self._runs.follow(run, tail, after)


def _end(lines: Iterable[bytes], tail: int | None) -> Iterator[bytes]:
    return iter(lines) if tail is None else iter(deque(lines, maxlen=tail))
