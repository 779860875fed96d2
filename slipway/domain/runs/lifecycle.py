"""The one place that changes the state of a run's row."""

from __future__ import annotations

from slipway.core.runs.ends import RunEnd
from slipway.core.runs.states import RUNNING, RunState, Stop, move
from slipway.models import Run, now


def begin(run: Run, container_id: str) -> None:
    """Its container has started."""
    run.state = move(RunState(run.state), RUNNING)
    run.container_id, run.started_at = container_id, now()


def end(run: Run, ended: RunEnd) -> None:
    """Raises `Conflict` when it has ended already."""
    run.state = move(RunState(run.state), ended.state)
    run.reason, run.detail, run.remedy, run.exit_code = ended.reason, ended.detail, ended.remedy, ended.exit_code
    run.ended_at = now()


def request_stop(run: Run, why: Stop) -> None:
    """The agent ends it. The first reason stands."""
    run.stop_requested = run.stop_requested or str(why)
