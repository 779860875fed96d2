"""What the agent does next about a run, by its row and its container."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.runs.decide import (
    Begin,
    Container,
    EndUnbegun,
    Record,
    RecordLost,
    RunAction,
    RunView,
    StopContainer,
    WaitUntil,
    decide,
)
from slipway.core.runs.states import MOVES, PENDING, RUNNING, RunState, Stop, move
from slipway.errors import Conflict

RUNS = Container("c", running=True, exit_code=None, oom_killed=False, started_at=100.0)
ENDED = replace(RUNS, running=False, exit_code=0)
PENDING_RUN = RunView(PENDING, timeout_s=60, stop=None, began_at=None, container=None)
RUNNING_RUN = RunView(RUNNING, timeout_s=60, stop=None, began_at=101.0, container=RUNS)


@pytest.mark.parametrize(
    ("run", "now", "action"),
    [
        (PENDING_RUN, 200.0, Begin()),
        (replace(PENDING_RUN, container=RUNS), 200.0, Begin()),  # it was started, and the agent killed: adopted
        (replace(PENDING_RUN, stop=Stop.CANCELLED), 200.0, EndUnbegun(Stop.CANCELLED)),
        (RUNNING_RUN, 159.9, WaitUntil(160.0)),
        (RUNNING_RUN, 160.0, StopContainer(RUNS, Stop.TIMED_OUT)),
        (replace(RUNNING_RUN, stop=Stop.CANCELLED), 110.0, StopContainer(RUNS, Stop.CANCELLED)),
        (replace(RUNNING_RUN, container=ENDED), 110.0, Record(ENDED)),
        (replace(RUNNING_RUN, container=ENDED, stop=Stop.CANCELLED), 999.0, Record(ENDED)),
        (replace(RUNNING_RUN, container=None), 110.0, RecordLost()),
        (replace(RUNNING_RUN, container=replace(RUNS, started_at=None)), 110.0, WaitUntil(161.0)),
    ],
)
def test_the_next_action(run: RunView, now: float, action: RunAction) -> None:
    assert decide(run, now) == action


def test_what_has_ended_never_moves_again() -> None:
    for state in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED, RunState.MISSED):
        assert MOVES[state] == frozenset()
        with pytest.raises(Conflict):
            move(state, RUNNING)
