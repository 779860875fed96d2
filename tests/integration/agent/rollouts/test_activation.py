"""A request waits for an app that nothing serves."""

from __future__ import annotations

import pytest

from builder.agent.routes import activation
from slipway.domain import intents
from slipway.models import App
from tests.integration.agent.rig import Rig


def crash(rig: Rig, app: App, times: int) -> None:
    """The app's replica ends again and again, each time as soon as it is ready."""
    for number in range(times):
        rig.ahead_s += 2**number  # the back-off before is over
        rig.settle(app)
        [replica] = rig.replicas(app)
        assert replica.state == "ready"
        rig.runtime.die(str(replica.container_id))
        rig.settle(app)
    [replica] = rig.replicas(app)
    assert (replica.state, replica.restarts) == ("crashed", times)


def activate(rig: Rig, app: App) -> str:
    """The states of the app's replicas after the next pass."""
    rig.agent.activation.activate(app.id)
    rig.settle(app)
    return ",".join(replica.state for replica in rig.replicas(app))


@pytest.fixture
def app(rig: Rig) -> App:
    made = rig.add_app()
    rig.live(made)
    return made


def test_a_crashed_replica_is_started_before_its_back_off_ends(rig: Rig, app: App) -> None:
    crash(rig, app, 5)
    rig.settle(app)
    assert rig.addresses(app) == set(), "it waits"
    assert activate(rig, app) == "ready"
    assert len(rig.addresses(app)) == 1


def test_requests_do_not_turn_a_crash_into_a_loop(rig: Rig, app: App) -> None:
    crash(rig, app, 5)
    assert activate(rig, app) == "ready"
    rig.runtime.die(str(rig.replicas(app)[0].container_id))
    rig.settle(app)
    for _ in range(20):
        assert activate(rig, app) == "crashed"
    assert rig.replicas(app)[0].restarts == 6, "the back-off goes on growing"
    rig.ahead_s += activation.EVERY_S
    assert activate(rig, app) == "ready", "32 s are not over, but a request may ask again"


def test_what_its_user_scaled_to_nothing_stays_there(rig: Rig, app: App) -> None:
    rig.intend(app, intents.scale, replicas=0)
    rig.settle(app)
    assert activate(rig, app) == ""
    assert rig.running(app) == {}


def test_while_one_replica_serves_the_back_off_of_the_others_stands(rig: Rig) -> None:
    app = rig.add_app("pair", replicas=2)
    rig.live(app)
    for _ in range(2):
        rig.runtime.die(str(rig.replicas(app)[0].container_id))
        rig.settle(app)
    assert activate(rig, app) == "crashed,ready"


def test_replicas_whose_end_was_not_reported_are_noticed(rig: Rig, app: App) -> None:
    rig.runtime.die(str(rig.replicas(app)[0].container_id))
    assert activate(rig, app) == "ready"
    assert rig.replicas(app)[0].restarts == 1


def test_an_app_that_nobody_knows_is_nobodys(rig: Rig) -> None:
    rig.agent.activation.activate(4711)
    assert rig.agent.background_tasks.busy() == frozenset()
