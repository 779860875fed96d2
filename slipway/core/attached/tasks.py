"""What the agent does in a service's container, and the states of it.

pending → running → succeeded, failed
running → pending             the agent ended meanwhile: it is done again
pending → failed              the service does not run
"""

from __future__ import annotations

from enum import StrEnum

from slipway.errors import Conflict


class TaskKind(StrEnum):
    BACKUP = "backup"
    RESTORE = "restore"
    ROTATE = "rotate"


class TaskState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


PENDING, RUNNING, SUCCEEDED, FAILED = TaskState
UNFINISHED = frozenset({PENDING, RUNNING})
MOVES: dict[TaskState, frozenset[TaskState]] = {
    PENDING: frozenset({RUNNING, FAILED}),
    RUNNING: frozenset({SUCCEEDED, FAILED, PENDING}),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
}


def move(old: TaskState, new: TaskState) -> TaskState:
    """Return `new` when the move is legal.

    Raises:
        Conflict: the table has no such move.
    """
    if new not in MOVES[old]:
        raise Conflict(f"what is {old} can't become {new}", remedy="see what it is now: slipway services backups")
    return new
