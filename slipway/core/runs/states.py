"""The states of a run and every legal move between them. `domain.runs.lifecycle` alone makes them.

pending → running → succeeded, failed, cancelled
pending → failed, cancelled             it could not be started, or somebody stopped it before
A tick of a schedule that starts no container is skipped or missed from the first.
"""

from __future__ import annotations

from enum import StrEnum

from slipway.errors import Conflict


class RunState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    MISSED = "missed"


class Stop(StrEnum):
    """Why the platform ends a run."""

    CANCELLED = "cancelled"
    """Somebody asked for it."""
    REPLACED = "replaced"
    """The next run of its schedule takes its place."""
    APP_DELETED = "app-deleted"
    TIMED_OUT = "timed-out"


PENDING = RunState.PENDING
RUNNING = RunState.RUNNING
SUCCEEDED = RunState.SUCCEEDED
FAILED = RunState.FAILED
CANCELLED = RunState.CANCELLED

MOVES: dict[RunState, frozenset[RunState]] = {
    PENDING: frozenset({RUNNING, FAILED, CANCELLED}),
    RUNNING: frozenset({SUCCEEDED, FAILED, CANCELLED}),
} | dict.fromkeys((SUCCEEDED, FAILED, CANCELLED, RunState.SKIPPED, RunState.MISSED), frozenset())

ACTIVE = frozenset({PENDING, RUNNING})
"""It has a container, or will have one."""


def move(old: RunState, new: RunState) -> RunState:
    """Return `new` when the move is legal.

    Raises:
        Conflict: the table has no such move.
    """
    if new not in MOVES[old]:
        raise Conflict(f"a run that is {old} can't become {new}", remedy="see what it is now: slipway runs")
    return new
