"""When the address of a gone replica enters quarantine."""

from __future__ import annotations

from slipway.domain import intents
from slipway.models import Address, App, Replica
from tests.integration.agent.rig import EDGE, Rig


def gone(rig: Rig, app: App, *, under_way: int | None) -> Replica:
    """A replica that died and was then scaled away, with requests to it still under way from the edge."""
    [replica] = rig.replicas(app)
    rig.publisher.counts[EDGE, replica.id] = under_way
    rig.runtime.die(str(replica.container_id))
    rig.intend(app, intents.scale, replicas=0)
    rig.settle(app)
    assert rig.replicas(app) == []
    return replica


def holders(rig: Rig) -> set[str | None]:
    return {row.replica_id for row in rig.all(Address)}


def test_a_replica_without_requests_leaves_its_address_at_once(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    gone(rig, app, under_way=0)
    assert holders(rig) == {None}
    assert rig.runtime.closed == []


def test_requests_under_way_to_a_gone_replica_keep_its_address_and_are_cut(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    replica = gone(rig, app, under_way=2)
    rig.agent.orphans.remove(rig.runtime.list())
    assert rig.agent.quarantine.add_all() == 0
    assert holders(rig) == {replica.id}
    assert replica.address in rig.runtime.closed
    rig.publisher.counts[EDGE, replica.id] = 0
    assert rig.agent.quarantine.add_all() == 1
    assert holders(rig) == {None}


def test_an_edge_that_does_not_report_keeps_the_address(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    replica = gone(rig, app, under_way=None)
    assert rig.agent.quarantine.add_all() == 0
    assert holders(rig) == {replica.id}


def test_a_removal_that_is_not_confirmed_keeps_the_address(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.publisher.confirm_at_once = False
    replica = gone(rig, app, under_way=0)
    assert rig.agent.quarantine.add_all() == 0
    assert holders(rig) == {replica.id}
    rig.publisher.confirm()
    assert rig.agent.quarantine.add_all() == 1


def test_without_redis_the_replica_goes_and_its_address_stays(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.publisher.away = True
    replica = gone(rig, app, under_way=0)
    assert holders(rig) == {replica.id}
    rig.publisher.away = False
    rig.agent.routes.sync()
    assert rig.agent.quarantine.add_all() == 1


def test_a_running_commands_address_is_left_alone(rig: Rig) -> None:
    rig.live(rig.add_app())
    with rig.db.write(platform="a test") as session:
        session.add(Address(tenant_id=rig.tenant_id, address="10.210.0.77", replica_id="task-99"))
    assert rig.agent.quarantine.add_all() == 0
    assert "task-99" in holders(rig)


def test_what_is_under_way_to_all_draining_replicas_is_asked_once_a_pass(rig: Rig) -> None:
    app = rig.add_app(replicas=3)
    rig.live(app)
    for each in rig.replicas(app):
        rig.publisher.counts[EDGE, each.id] = 1
    rig.live(app, "b" * 40)
    assert [each.state for each in rig.replicas(app)].count("draining") == 3
    rig.publisher.inflight_calls = 0
    rig.settle(app)
    assert rig.publisher.inflight_calls == 1
