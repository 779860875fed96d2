"""kill -9 after any effect whatever: the next agent brings it to the same end.

What happens before the first crash is the same in all cases of a test: it is done once, and each case gets a copy."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from slipway.adapters.docker.address_book import AddressBook
from slipway.adapters.docker.endpoints import EndpointAllocator
from slipway.domain import intents
from slipway.models import Address, App, Deployment
from tests.fakes.networks import FakeNetworks
from tests.integration.agent.crashes import Countdown, Killed, Mortal, MortalDatabase
from tests.integration.agent.rig import REFUSED, UNHEALTHY, Rig, rig_in_memory

pytestmark = pytest.mark.histories

_ENOUGH = 200
EVERY = int(os.environ.get("CRASHES_EVERY", "4"))
"""After each how many effects agents die: `make soak` has 1."""
NETWORKS = FakeNetworks()
Begun = tuple[Rig, App, list[Deployment]]
"""An app with its deployments, before the first crash."""
Begin = Callable[[Rig], tuple[App, list[Deployment]]]


@pytest.fixture(scope="module")
def originals(sqlite_template: Path) -> Iterator[Callable[[Begin], Begun]]:
    with ExitStack() as stack:

        @functools.cache
        def original(begin: Begin) -> Begun:
            rig = stack.enter_context(rig_in_memory(sqlite_template))
            return (rig, *begin(rig))

        yield original


@pytest.fixture
def copy_of(originals: Callable[[Begin], Begun]) -> Iterator[Callable[[Begin], Begun]]:
    """A rig of this test alone, with what `begin` has done."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-agent-", dir="/dev/shm"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)

        def copied(begin: Begin) -> Begun:
            original, app, deployments = originals(begin)
            rig = original.copy(folder)
            stack.callback(rig.db.dispose)
            return rig, app, deployments

        yield copied


def mortal(rig: Rig, countdown: Countdown) -> None:
    """A new agent of this rig that may die."""
    db = MortalDatabase(rig.db, countdown)
    rig.runtime.endpoints = EndpointAllocator(rig.settings, AddressBook(db), NETWORKS, routes=list)  # type: ignore[arg-type]
    runtime = Mortal(rig.runtime, countdown, "reserve", "start", "run_task", "stop", "remove", "release")
    publisher = Mortal(rig.publisher, countdown, "publish", "publish_all")
    rig.restart(db=db, runtime=runtime, publisher=publisher)


def agent_lives(rig: Rig, app: App, countdown: Countdown) -> None:
    """What an agent does from its start until nothing is left to do."""
    rig.agent.routes.sync()
    for _ in range(3):
        rig.settle(app)
        rig.agent.orphans.remove(rig.runtime.list())
        rig.agent.quarantine.add_all()
        rig.agent.quarantine.reclaim(rig.agent.routes.confirmed())


def through_crashes(rig: Rig, app: App, dies_after: int) -> bool:
    """Let agents die after `dies_after` effects each, until one gets through; says whether any died."""
    countdown = Countdown()
    for attempt in range(_ENOUGH):
        countdown.left = dies_after if attempt == 0 else None
        mortal(rig, countdown)
        try:
            agent_lives(rig, app, countdown)
        except Killed:
            continue
        return attempt > 0
    raise AssertionError("never got through")


def assert_runs(rig: Rig, app: App, release_id: int | None, replicas: int) -> None:
    rows = rig.replicas(app)
    assert [(row.state, row.release_id) for row in rows] == [("ready", release_id)] * replicas
    assert {row.container_id for row in rows} == {c.observed.container_id for c in rig.running(app).values()}
    assert rig.addresses(app) == {row.address for row in rows}
    assert {row.replica_id for row in rig.all(Address) if row.replica_id} == {row.id for row in rows}


def rolling_out(rig: Rig) -> tuple[App, list[Deployment]]:
    app = rig.add_app(replicas=2, pre_deploy="migrate")
    return app, [rig.live(app), rig.built(app, "b" * 40)]


def failing(rig: Rig) -> tuple[App, list[Deployment]]:
    """The third has been probed in vain for as long as it may be."""
    app = rig.add_app(health_path="/health")
    first = rig.live(app)
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    rig.prober.errors["*"] = UNHEALTHY
    third = rig.built(app, "c" * 40)
    rig.settle(app)
    rig.ahead_s = 31
    return app, [first, second, third]


def unconfirmed(rig: Rig) -> tuple[App, list[Deployment]]:
    """The edge has not confirmed the switch to the second for as long as it may take."""
    app = rig.add_app()
    first = rig.live(app)
    rig.publisher.confirm_at_once = False
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    rig.ahead_s = 61
    return app, [first, second]


def rolled_back_while_probing(rig: Rig) -> tuple[App, list[Deployment]]:
    app = rig.add_app()
    first, second = rig.live(app), rig.live(app, "b" * 40)
    rig.prober.errors["*"] = REFUSED
    third = rig.built(app, "c" * 40)
    rig.settle(app)
    rig.prober.errors.clear()
    return app, [first, second, third, rig.intend(app, intents.rollback, actor="a test")]


def recreating(rig: Rig) -> tuple[App, list[Deployment]]:
    app = rig.add_app(strategy="recreate")
    return app, [rig.live(app), rig.built(app, "b" * 40)]


@pytest.mark.parametrize("dies_after", range(1, 45, EVERY))
def test_a_rollout_survives_any_crash(copy_of: Callable[[Begin], Begun], dies_after: int) -> None:
    rig, app, [first, second] = copy_of(rolling_out)
    through_crashes(rig, app, dies_after)
    row = rig.deployment(second)
    assert row.state == "live", row.detail
    assert row.previous_id == first.id
    assert rig.deployment(first).state == "retired"
    assert all(step["ok"] for step in row.steps)
    assert_runs(rig, app, row.release_id, 2)


@pytest.mark.parametrize("dies_after", range(1, 30, 2 * EVERY))
def test_a_failing_rollout_survives_any_crash(copy_of: Callable[[Begin], Begun], dies_after: int) -> None:
    rig, app, [first, second, third] = copy_of(failing)
    through_crashes(rig, app, dies_after)
    assert rig.deployment(third).reason == "start-probe-failed"
    assert rig.deployment(first).state == "retired"
    assert_runs(rig, app, rig.deployment(second).release_id, 1)


@pytest.mark.parametrize("dies_after", range(1, 30, 2 * EVERY))
def test_an_unconfirmed_switch_survives_any_crash(copy_of: Callable[[Begin], Begun], dies_after: int) -> None:
    rig, app, [first, second] = copy_of(unconfirmed)
    through_crashes(rig, app, dies_after)
    assert rig.deployment(second).reason == "edge-unconfirmed"
    rig.publisher.confirm_at_once = True
    rig.publisher.confirm()
    through_crashes(rig, app, dies_after)
    assert rig.deployment(first).state == "live"
    assert_runs(rig, app, first.release_id, 1)


@pytest.mark.parametrize("dies_after", range(1, 30, 2 * EVERY))
def test_a_rollback_that_cancels_a_probing_rollout_survives_any_crash(
    copy_of: Callable[[Begin], Begun], dies_after: int
) -> None:
    rig, app, [first, _, third, back] = copy_of(rolled_back_while_probing)
    through_crashes(rig, app, dies_after)
    assert rig.deployment(third).state == "cancelled"
    assert rig.deployment(back).state == "live"
    assert_runs(rig, app, first.release_id, 1)


@pytest.mark.parametrize("dies_after", range(1, 26, 2 * EVERY))
def test_a_recreated_app_never_runs_twice_whatever_crashes(copy_of: Callable[[Begin], Begun], dies_after: int) -> None:
    rig, app, [_, second] = copy_of(recreating)
    seen: list[int] = []
    start = rig.runtime.start
    rig.runtime.start = lambda spec: (start(spec), seen.append(len(rig.running(app))))[0]  # type: ignore[method-assign]
    through_crashes(rig, app, dies_after)
    assert rig.deployment(second).state == "live"
    assert set(seen) == {1}
    assert_runs(rig, app, rig.deployment(second).release_id, 1)


def test_enough_crashes_are_tried(copy_of: Callable[[Begin], Begun]) -> None:
    rig, app, _ = copy_of(rolling_out)
    countdown = Countdown()
    mortal(rig, countdown)
    agent_lives(rig, app, countdown)
    assert countdown.seen < 45
    assert rig.all(Deployment)[-1].state == "live"
