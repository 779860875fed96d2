"""What is live is kept in its desired state: scale, crashes, other processes, strangers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.domain import intents
from slipway.errors import DependencyUnavailable
from slipway.models import Address, Replica
from tests.integration.agent.rig import REFUSED, Rig


def container_of(rig: Rig, replica: Replica) -> str:
    assert replica.container_id is not None
    return replica.container_id


def test_scaling_up_starts_replicas_and_down_removes_them(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.intend(app, intents.scale, replicas=3)
    rig.settle(app)
    assert len(rig.addresses(app)) == len(rig.running(app)) == 3
    rig.intend(app, intents.scale, replicas=1)
    rig.settle(app)
    assert [row.slot for row in rig.replicas(app)] == [1]
    assert len(rig.addresses(app)) == len(rig.running(app)) == 1


def test_scale_none_leaves_an_entry_without_targets(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.intend(app, intents.scale, replicas=0)
    rig.settle(app)
    assert rig.running(app) == {}
    assert rig.entry(app) is not None
    assert rig.addresses(app) == set()


def test_a_crashed_replica_leaves_the_table_at_once_and_returns_when_it_answers(rig: Rig) -> None:
    app = rig.add_app(replicas=2)
    rig.live(app)
    first, second = rig.replicas(app)
    rig.runtime.die(container_of(rig, first), exit_code=3)
    rig.prober.errors["*"] = REFUSED
    rig.settle(app)
    assert rig.addresses(app) == {second.address}
    restarted = rig.replicas(app)[0]
    assert (restarted.state, restarted.exit_code, restarted.restarts) == ("starting", 3, 1)
    rig.prober.errors.clear()
    rig.settle(app)
    assert rig.addresses(app) == {first.address, second.address}
    assert rig.replicas(app)[0].id == first.id


def test_a_replica_that_keeps_crashing_is_started_ever_later(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.runtime.die(container_of(rig, rig.replicas(app)[0]))
    rig.settle(app)
    assert len(rig.addresses(app)) == 1, "the first time at once"
    waits = []
    for _ in range(3):
        rig.runtime.die(container_of(rig, rig.replicas(app)[0]))
        rig.settle(app)
        [row] = rig.replicas(app)
        assert row.retry_at is not None
        waits.append(round(row.retry_at.timestamp() - rig.clock()))
        rig.ahead_s += waits[-1] + 0.5
        rig.settle(app)
    assert waits == [1, 2, 4]


def test_a_replica_that_somebody_removed_is_started_again(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.runtime.remove(container_of(rig, rig.replicas(app)[0]))
    rig.settle(app)
    rig.ahead_s = 2
    rig.settle(app)
    assert len(rig.running(app)) == 1
    assert len(rig.addresses(app)) == 1


def test_an_image_that_vanished_is_tried_again_and_reported(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.runtime.images = set()
    rig.intend(app, intents.scale, replicas=2)
    rig.settle(app)
    assert [row.state for row in rig.replicas(app)] == ["ready", "crashed"]
    rig.runtime.images = None
    rig.ahead_s = 2
    rig.settle(app)
    assert [row.state for row in rig.replicas(app)] == ["ready", "ready"]


def test_other_processes_run_without_targets(rig: Rig) -> None:
    app = rig.add_app(processes={"worker": {"command": "work $QUEUE", "replicas": 2}})
    row = rig.built(app)
    rig.settle(app)
    rig.ahead_s = 1.1
    rig.settle(app)
    assert rig.deployment(row).state == "live"
    assert sorted(rig.running(app)) == ["acme-hello-web-r1-1", "acme-hello-worker-r1-1", "acme-hello-worker-r1-2"]
    assert len(rig.addresses(app)) == 1


def test_what_nothing_wants_is_removed(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    [container] = rig.running(app).values()
    rig.runtime.start(replace(container.spec, id="r-stranger", slot=9))
    rig.agent.orphans.remove(rig.runtime.list())
    assert sorted(rig.running(app)) == ["acme-hello-web-r1-1"]


def test_a_runtime_that_does_not_answer_is_not_taken_for_an_empty_one(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.runtime.away = True
    with pytest.raises(DependencyUnavailable):
        rig.settle(app)
    assert len(rig.addresses(app)) == 1
    rig.runtime.away = False
    assert rig.settle(app) is None
    assert [row.state for row in rig.replicas(app)] == ["ready"]


def test_an_address_is_quarantined_until_every_edge_has_confirmed_its_removal(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    [before] = rig.addresses(app)
    rig.live(app, "b" * 40)
    assert before in {row.address for row in rig.all(Address) if row.replica_id is None}
    assert rig.agent.quarantine.reclaim(confirmed=0) == 0
    assert rig.agent.quarantine.reclaim(rig.agent.routes.confirmed()) == 1
    assert rig.runtime.released == [before]
    assert before not in {row.address for row in rig.all(Address)}
    rig.live(app, "c" * 40)
    assert before not in rig.addresses(app)


def test_no_free_address_fails_the_deployment_clearly(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.runtime.is_full = True
    row = rig.built(app, "b" * 40)
    rig.settle(app)
    assert rig.deployment(row).reason == "start-refused"
    assert "no free address" in rig.deployment(row).detail
    assert len(rig.addresses(app)) == 1


def test_the_address_of_a_command_that_ended_with_the_agent_is_released(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    with rig.db.write(platform="a test") as session:
        session.add(Address(tenant_id=rig.tenant_id, address="10.210.0.77", replica_id="task-99"))
    rig.agent.orphans.remove(rig.runtime.list())
    assert [row.replica_id for row in rig.all(Address, address="10.210.0.77")] == [None]
    assert len([row for row in rig.all(Address) if row.replica_id]) == 1


def test_a_surplus_replica_stays_until_every_edge_has_confirmed(rig: Rig) -> None:
    app = rig.add_app(replicas=2)
    rig.live(app)
    rig.publisher.confirm_at_once = False
    rig.intend(app, intents.scale, replicas=1)
    rig.settle(app)
    assert len(rig.addresses(app)) == 1
    assert len(rig.running(app)) == 2
    rig.publisher.confirm()
    rig.settle(app)
    assert len(rig.running(app)) == 1


def test_the_address_of_a_replica_that_came_back_is_not_quarantined(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.runtime.die(container_of(rig, rig.replicas(app)[0]))
    rig.prober.errors["*"] = REFUSED
    rig.settle(app)
    assert [row.rests_from is None for row in rig.all(Address)] == [False]
    rig.prober.errors.clear()
    rig.settle(app)
    assert [row.rests_from is None for row in rig.all(Address)] == [True]
