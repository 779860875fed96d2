"""An app that is live, and commands beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slipway.core.deployment.states import State
from slipway.domain.runs import beginning
from slipway.domain.runs.beginning import Wanted
from slipway.models import App, Run
from tests.fakes import FakeContainer
from tests.integration.agent.rig import Rig

Begin = Callable[..., Run]


def begin_run(rig: Rig, app: App, *words: str, **wanted: Any) -> Run:
    """As the API writes it."""
    values = {"command": list(words) or ["migrate"], "timeout_s": 60.0, "actor": "a test"} | wanted
    run: Run = rig.intend(app, beginning.begin, wanted=Wanted(**values), most_of_tenant=10)
    return run


def row_of(rig: Rig, run: Run) -> Run:
    found: Run = rig.all(Run, id=run.id)[0]
    return found


def task_of(rig: Rig, run: Run) -> FakeContainer | None:
    """The run's container, while there is one."""
    return next((each for each in rig.runtime.containers.values() if each.spec.id == f"run-{run.id}"), None)


def live_after_a_moment(rig: Rig, app: App) -> None:
    """Of an app with more processes than `web`: they are ready when they have run for a second."""
    row = rig.built(app)
    rig.settle(app)
    rig.ahead_s += 2
    rig.settle(app)
    rig.ahead_s = 0
    assert rig.deployment(row).state == State.LIVE


@pytest.fixture
def app(rig: Rig) -> App:
    made = rig.add_app(processes={"work": {"command": "work"}})
    live_after_a_moment(rig, made)
    return made


@pytest.fixture
def begin(rig: Rig, app: App) -> Begin:
    return lambda *words, **wanted: begin_run(rig, app, *words, **wanted)
