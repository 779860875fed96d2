"""Which moves between the states of a replica are legal."""

from __future__ import annotations

import itertools

import pytest

from slipway.core.rollout.replica_states import (
    CRASHED,
    DRAINING,
    GONE,
    MOVES,
    READY,
    STARTING,
    ReplicaState,
    move,
)
from slipway.domain import replica_lifecycle
from slipway.errors import Conflict
from slipway.models import Replica, now

OF_THE_AGENT = {
    (STARTING, READY): "it answered",
    (STARTING, CRASHED): "it ended before it was ready",
    (READY, CRASHED): "it ended",
    (CRASHED, STARTING): "it is started again",
    (STARTING, DRAINING): "its deployment ended",
    (READY, DRAINING): "another release serves",
    (CRASHED, DRAINING): "it is not wanted any more",
    (DRAINING, STARTING): "it is wanted again, and still runs",
    (DRAINING, GONE): "it was removed",
}


def test_the_table_holds_the_moves_of_the_agent_and_no_other() -> None:
    assert {(old, new) for old, several in MOVES.items() for new in several} == OF_THE_AGENT.keys()


@pytest.mark.parametrize(("old", "new"), sorted(set(itertools.product(ReplicaState, repeat=2)) - OF_THE_AGENT.keys()))
def test_every_other_move_raises_and_leaves_the_row_alone(old: ReplicaState, new: ReplicaState) -> None:
    row = Replica(state=str(old))
    with pytest.raises(Conflict, match=f"{old} can't become {new}"):
        replica_lifecycle.advance(row, new)
    assert row.state == old


@pytest.mark.parametrize(("old", "new"), OF_THE_AGENT)
def test_a_move_of_the_agent_is_made(old: ReplicaState, new: ReplicaState) -> None:
    assert move(old, new) is new
    row = Replica(state=str(old))
    replica_lifecycle.advance(row, new)
    assert row.state == new


def test_the_times_belong_to_the_state() -> None:
    row = Replica(state="starting", retry_at=now(), exit_code=1)
    replica_lifecycle.advance(row, READY)
    assert row.ready_at is not None
    assert (row.retry_at, row.exit_code) == (None, None)
    replica_lifecycle.advance(row, CRASHED)
    assert row.ready_at is None
    replica_lifecycle.advance(row, DRAINING)
    replica_lifecycle.advance(row, GONE)
    assert row.ended_at is not None
