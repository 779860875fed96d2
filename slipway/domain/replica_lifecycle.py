"""The one place that changes the state of a replica's row."""

from __future__ import annotations

from slipway.core.rollout.replica_states import CRASHED, GONE, READY, ReplicaState, move
from slipway.models import Replica, now


def advance(replica: Replica, state: ReplicaState) -> None:
    """Move to `state`, with the times that belong to it.

    Raises:
        Conflict: the table of legal moves has no such move.
    """
    replica.state = move(ReplicaState(replica.state), state)
    if state is READY:
        replica.ready_at, replica.retry_at, replica.exit_code = now(), None, None
    elif state is CRASHED:
        replica.ready_at = None
    elif state is GONE:
        replica.ended_at = now()
