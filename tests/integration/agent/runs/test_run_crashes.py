"""kill -9 after any effect whatever: the next agent brings a run to the same end, and its command runs once."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.adapters.docker.address_book import AddressBook
from slipway.adapters.docker.endpoints import EndpointAllocator
from slipway.models import Address, App, Run
from tests.fakes.networks import FakeNetworks
from tests.integration.agent.crashes import Countdown, Killed, Mortal, MortalDatabase
from tests.integration.agent.rig import Rig
from tests.integration.agent.runs.conftest import Begin, row_of, task_of

EFFECTS_MOST = 60


@pytest.fixture
def folders() -> Iterator[Iterator[Path]]:
    whole = Path(tempfile.mkdtemp(prefix="slipway-agent-", dir="/dev/shm"))
    yield (whole / str(number) for number in itertools.count())
    shutil.rmtree(whole)


def mortal(rig: Rig, countdown: Countdown) -> None:
    db = MortalDatabase(rig.db, countdown)
    rig.runtime.endpoints = EndpointAllocator(rig.settings, AddressBook(db), FakeNetworks(), routes=list)  # type: ignore[arg-type]
    rig.restart(db=db, runtime=Mortal(rig.runtime, countdown, "start_task", "stop", "remove", "release"))


def agent_lives(rig: Rig, app: App, run: Run) -> None:
    """From the agent's start until the run has ended, by itself as soon as it runs."""
    for _ in range(4):
        rig.agent.orphans.remove(rig.runtime.list())
        rig.agent.runs.run(app.id)
        task = task_of(rig, run)
        if task is not None and task.observed.running and row_of(rig, run).state == "running":
            rig.runtime.die(task.observed.container_id, exit_code=7)
    rig.agent.quarantine.add_all()
    rig.agent.quarantine.reclaim(None)


def test_after_any_effect(rig: Rig, app: App, begin: Begin, folders: Iterator[Path]) -> None:
    run = begin()
    for dies_after in range(1, EFFECTS_MOST):
        copy = rig.copy(next(folders))
        deaths = through_crashes(copy, app, run, dies_after)
        row = row_of(copy, run)
        assert (row.state, row.exit_code) == ("failed", 7), (dies_after, row.state, row.reason)
        assert len(copy.runtime.started_tasks) == 1, (dies_after, deaths)
        assert task_of(copy, run) is None
        assert [each.replica_id for each in copy.all(Address) if each.replica_id == f"run-{run.id}"] == []
        copy.db.dispose()
        if not deaths:
            return
    raise AssertionError("there is no end of its effects")


def through_crashes(rig: Rig, app: App, run: Run, dies_after: int) -> int:
    """Let one agent die after so many effects, and the next one work; says how many died."""
    countdown = Countdown()
    for deaths in range(2):
        countdown.left = None if deaths else dies_after
        mortal(rig, countdown)
        try:
            agent_lives(rig, app, run)
        except Killed:
            continue
        return deaths
    raise AssertionError("an agent without a countdown died")
