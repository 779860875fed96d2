"""The states of a replica and every legal move between them. `domain.replica_lifecycle` alone makes them.

starting → ready → draining → gone
starting, ready → crashed → starting    its container ended, and is started again
starting, crashed → draining            it is not wanted any more
draining → starting                     it is wanted again, and still runs
"""

from __future__ import annotations

from enum import StrEnum

from slipway.errors import Conflict


class ReplicaState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    CRASHED = "crashed"
    GONE = "gone"


STARTING = ReplicaState.STARTING
READY = ReplicaState.READY
DRAINING = ReplicaState.DRAINING
CRASHED = ReplicaState.CRASHED
GONE = ReplicaState.GONE

MOVES: dict[ReplicaState, frozenset[ReplicaState]] = {
    STARTING: frozenset({READY, CRASHED, DRAINING}),
    READY: frozenset({CRASHED, DRAINING}),
    CRASHED: frozenset({STARTING, DRAINING}),
    DRAINING: frozenset({STARTING, GONE}),
    GONE: frozenset(),
}


def move(old: ReplicaState, new: ReplicaState) -> ReplicaState:
    """Return `new` when the move is legal.

    Raises:
        Conflict: the table has no such move.
    """
    if new not in MOVES[old]:
        raise Conflict(f"a replica that is {old} can't become {new}", remedy="see what it is now: slipway ps --all")
    return new
