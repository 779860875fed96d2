"""What a replica prints, as it comes: over all of its containers, which follow each other when it is restarted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from builder.agent.dependencies import REASON, Dependencies
from builder.agent.rollout.crashes import is_decided, output_notes
from builder.agent.telemetry import output
from slipway.core.rollout.fleet import GONE
from slipway.errors import NotFound
from slipway.models import Replica


def follow(dependencies: Dependencies, replica_id: str, *, tail: int | None, after: str) -> Iterator[bytes]:
    """The last `tail` lines that were printed after the time `after`, then those to come, until its container ends.

    Empty lines are signs of life. The first item comes once everything later will.

    Raises:
        NotFound: there is no such replica.
        DependencyUnavailable: the runtime does not answer.
    """
    row = replica_row(dependencies, replica_id)
    container_id = None if row.state == GONE else row.container_id
    earlier = _kept(dependencies, replica_id, after)
    try:
        own, coming = _opened(dependencies, container_id, tail, output.time_of(earlier[-1]) if earlier else after)
    except NotFound:  # it was removed meanwhile, and what it printed is kept
        earlier, own, coming = _kept(dependencies, replica_id, after), 0, iter(())
    before = earlier if tail is None else earlier[max(0, len(earlier) - max(0, tail - own)) :]
    last = after
    for line in itertools.chain(before, coming):
        last = max(last, output.time_of(line))
        yield line
    yield from _ends(dependencies, replica_id, container_id, last)


def replica_row(dependencies: Dependencies, replica_id: str) -> Replica:
    """The replica's row, detached.

    Raises:
        NotFound: there is no such replica.
    """
    with dependencies.db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
    if row is None:
        raise NotFound(f"there is no replica {replica_id}", remedy="see which there are: slipway ps --all")
    return row


def _ends(dependencies: Dependencies, replica_id: str, container_id: str | None, after: str) -> list[bytes]:
    """How the container ended, if it is still the replica's recorded one, and ended after that time. Nothing before it
    is decided what follows: the reader asks again, and the line would have the time of the whole one."""
    with dependencies.db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
        is_its = row is not None and row.container_id == container_id and is_decided(row)
        notes = output_notes(session, row, dependencies.clock()) if row and is_its else []
    return [note for note in notes if output.time_of(note) > after]


def _kept(dependencies: Dependencies, replica_id: str, after: str) -> list[bytes]:
    """What its containers printed that are gone."""
    return [line for line in output.kept(dependencies.settings, replica_id) if output.time_of(line) > after]


def _opened(
    dependencies: Dependencies, container_id: str | None, tail: int | None, after: str
) -> tuple[int, Iterator[bytes]]:
    """How many lines of the tail are the container's own, and these with all that come."""
    if container_id is None:
        return 0, iter(())
    own = 0 if tail is None else sum(1 for _ in dependencies.runtime.logs(container_id, tail=tail))
    coming = dependencies.runtime.follow(container_id, tail=tail, after=after)
    return own, itertools.chain([next(coming, b"")], coming)
