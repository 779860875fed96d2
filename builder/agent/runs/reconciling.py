"""A pass over the runs of one app: what each needs next, from its row and its container.

Nothing is remembered between passes, so an agent that was killed goes on where it was: a container that runs is adopted
by its name, one that ended meanwhile is recorded, and none is started twice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.agent.background_tasks import START, STOP, BackgroundTasks
from builder.agent.observed_state import ObservedState
from builder.agent.runs.ending import RunEnding
from builder.agent.runs.holding import holder
from builder.agent.runs.starting import RunStart
from builder.agent.scope import REASON
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
from slipway.core.runs.states import ACTIVE, RunState, Stop
from slipway.db import Database
from slipway.domain.runs import lifecycle
from slipway.models import TO_CHANGE, App, Run
from slipway.ports.clock import Clock
from slipway.ports.runtime import Observed

_ACTIVE = [str(state) for state in ACTIVE]
Work = Callable[[], None]


class RunReconciler:
    def __init__(
        self,
        db: Database,
        observed_state: ObservedState,
        background_tasks: BackgroundTasks,
        start: RunStart,
        ending: RunEnding,
        clock: Clock,
    ) -> None:
        self._db = db
        self._observed_state = observed_state
        self._background_tasks = background_tasks
        self._start = start
        self._ending = ending
        self._clock = clock

    def run(self, app_id: int) -> float | None:
        """Do what the app's runs need now. Returns when the next of them has to end (Unix seconds), if any runs."""
        rows = self._rows(app_id)
        if not rows:
            return None
        containers = {each.replica_id: each for each in self._observed_state.of(app_id) if each.task}
        waits = [self._do(app_id, row.id, decide(_view(row, containers), self._clock())) for row in rows]
        return min((until for until in waits if until is not None), default=None)

    def _rows(self, app_id: int) -> list[Run]:
        """Read before the containers are listed: whatever runs has its row. Those of a deleted app are to stop."""
        with self._db.read(platform=REASON) as session:
            rows = active_runs(session, app_id)
            is_deleted = bool(rows) and session.get_one(App, app_id).deleted_at is not None
        if is_deleted and any(row.stop_requested is None for row in rows):
            with self._db.write(platform=REASON) as session:
                rows = active_runs(session, app_id, to_change=True)
                for row in rows:
                    lifecycle.request_stop(row, Stop.APP_DELETED)
        return rows

    def _do(self, app_id: int, run_id: int, action: RunAction) -> float | None:
        if isinstance(action, WaitUntil):
            return action.at
        kind, what, work = self._work(run_id, action)
        self._background_tasks.begin(kind, f"{what}:{run_id}", app_id, work)
        return None

    def _work(self, run_id: int, action: RunAction) -> tuple[str, str, Work]:
        match action:
            case Begin():
                return START, "run", functools.partial(self._start.start, run_id)
            case EndUnbegun(stop):
                return STOP, "run", functools.partial(self._ending.end_unbegun, run_id, stop)
            case StopContainer(container, stop):
                return STOP, "stop run", functools.partial(self._ending.stop, run_id, container, stop)
            case Record(container):
                return STOP, "run", functools.partial(self._ending.record, run_id, container)
            case RecordLost():
                return STOP, "run", functools.partial(self._ending.record_lost, run_id)
            case WaitUntil():
                raise AssertionError(action)


def active_runs(session: Session, app_id: int, *, to_change: bool = False) -> list[Run]:
    """Those of an app that are pending or running."""
    query = select(Run).where(Run.app_id == app_id, Run.state.in_(_ACTIVE)).order_by(Run.id)
    return list(session.scalars(query.with_for_update(**TO_CHANGE) if to_change else query))


def _view(row: Run, containers: Mapping[str, Observed]) -> RunView:
    return RunView(
        state=RunState(row.state),
        timeout_s=row.timeout_s,
        stop=Stop(row.stop_requested) if row.stop_requested else None,
        began_at=row.started_at.timestamp() if row.started_at else None,
        container=_container(containers.get(holder(row.id))),
    )


def _container(observed: Observed | None) -> Container | None:
    if observed is None:
        return None
    return Container(
        observed.container_id, observed.running, observed.exit_code, observed.oom_killed, observed.started_at
    )
