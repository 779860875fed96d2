"""An event of the runtime changes the routes and the record at once, before any pass."""

from __future__ import annotations

import pytest

from slipway.models import App, Replica
from slipway.ports.runtime import Change, Happened
from tests.integration.agent.rig import REFUSED, Rig

AT = 1_767_225_600.0


@pytest.fixture
def app(rig: Rig) -> App:
    made = rig.add_app(replicas=2, resources={"memory_mb": 64})
    rig.live(made)
    return made


def happens(rig: Rig, replica: Replica, what: Happened = Happened.DIED, **values: object) -> bool:
    given = {"app_id": replica.app_id, "replica_id": replica.id, "container_id": str(replica.container_id), "at": AT}
    change = Change(**(given | {"what": what, "exit_code": 1 if what == Happened.DIED else None} | values))  # type: ignore[arg-type]
    return rig.agent.container_events.handle(change)


def test_a_dead_replica_leaves_the_routes_before_any_pass(rig: Rig, app: App) -> None:
    first, second = rig.replicas(app)
    assert happens(rig, first), "routes wait to be published"
    rig.agent.routes.sync()
    assert rig.addresses(app) == {second.address}
    assert not happens(rig, first), "the second time there is nothing to publish"
    rig.runtime.die(str(first.container_id))
    rig.settle(app)
    assert rig.addresses(app) == {first.address, second.address}
    assert rig.replicas(app)[0].restarts == 1


def test_the_record_says_when_and_how_it_ended(rig: Rig, app: App) -> None:
    first, second = rig.replicas(app)
    happens(rig, first, exit_code=3)
    happens(rig, second, Happened.OUT_OF_MEMORY)
    happens(rig, second, exit_code=137, at=AT + 1)
    limit = 64 << 20
    assert [each.last_crash for each in rig.replicas(app)] == [
        {"container_id": first.container_id, "at": AT, "exit_code": 3, "out_of_memory": False, "memory_bytes": limit},
        {"container_id": second.container_id, "at": AT + 1, "exit_code": 137, "out_of_memory": True,
         "memory_bytes": limit},
    ]  # fmt: skip


def test_lack_of_memory_alone_takes_nothing_out(rig: Rig, app: App) -> None:
    first, _ = rig.replicas(app)
    assert not happens(rig, first, Happened.OUT_OF_MEMORY)
    noted = rig.replicas(app)[0]
    assert noted.out_of_memory_at is not None
    assert noted.out_of_memory_at.timestamp() == AT
    rig.settle(app)
    assert len(rig.addresses(app)) == 2


def test_a_pass_that_missed_the_event_records_the_same(rig: Rig, app: App) -> None:
    first, _ = rig.replicas(app)
    rig.runtime.die(str(first.container_id), exit_code=137, oom=True)
    rig.settle(app)
    crash = rig.replicas(app)[0].last_crash
    assert crash is not None
    assert (crash["container_id"], crash["exit_code"], crash["out_of_memory"]) == (first.container_id, 137, True)


def test_the_end_of_another_container_is_nothing_of_the_replicas(rig: Rig, app: App) -> None:
    """Its earlier container, and a command of its release, carry its id too."""
    first, _ = rig.replicas(app)
    assert not happens(rig, first, container_id="f" * 64)
    assert rig.replicas(app)[0].last_crash is None


def test_an_end_that_was_asked_for_is_no_crash(rig: Rig, app: App) -> None:
    first, _ = rig.replicas(app)
    rig.change(first, state="draining")
    assert not happens(rig, first)
    assert rig.replicas(app)[0].last_crash is None


def test_without_the_database_a_pass_does_it_later(rig: Rig, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    from slipway.errors import DependencyUnavailable

    def unreachable(**_: object) -> None:
        raise DependencyUnavailable("no answer")

    first, second = rig.replicas(app)
    with monkeypatch.context() as patched:
        patched.setattr(rig.db, "read", unreachable)
        assert not happens(rig, first)
    rig.runtime.die(str(first.container_id))
    rig.prober.errors["*"] = REFUSED
    rig.settle(app)
    assert rig.addresses(app) == {second.address}
