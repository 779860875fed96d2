"""When the address of a gone replica enters quarantine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy.orm import Session

from builder.agent.routes import address_quarantine
from slipway.domain import intents
from slipway.models import Address, App, Replica
from tests.integration.agent.rig import EDGE, WHY, Rig


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


def add(rig: Rig, *rows: Address | Replica) -> None:
    with rig.db.write(platform=WHY) as session:
        session.add_all(rows)


def starting(rig: Rig, app: App, replica_id: str, address: str | None = None) -> Replica:
    """Another replica of what is live."""
    [live] = rig.replicas(app)
    of_app = {"tenant_id": app.tenant_id, "app_id": app.id, "environment": live.environment, "process": live.process}
    of_release = {"release_id": live.release_id, "deployment_id": live.deployment_id, "slot": live.slot + 1}
    return Replica(id=replica_id, state="starting", address=address, **of_app, **of_release)


def before_the_next_write(rig: Rig, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Between what was read already and what is written because of it."""
    write = rig.db.write

    def late(*, tenant_id: int | None = None, platform: str = "") -> AbstractContextManager[Session]:
        monkeypatch.setattr(rig.db, "write", write)
        happens()
        return write(tenant_id=tenant_id, platform=platform)

    monkeypatch.setattr(rig.db, "write", late)


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


def test_an_address_whose_replica_gets_its_row_meanwhile_stays_with_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = rig.add_app()
    rig.live(app)
    add(rig, Address(tenant_id=rig.tenant_id, address="10.210.0.77", replica_id="r-new"))
    before_the_next_write(rig, monkeypatch, lambda: add(rig, starting(rig, app, "r-new")))
    rig.agent.orphans.remove(rig.runtime.list())
    assert [row.replica_id for row in rig.all(Address, address="10.210.0.77")] == ["r-new"]


def test_an_address_that_leaves_the_route_table_meanwhile_waits_for_the_edges(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = rig.add_app()
    rig.live(app)
    held = Address(tenant_id=rig.tenant_id, address="10.210.0.77", replica_id="r-new")
    add(rig, held)

    def comes_and_goes() -> None:
        with rig.db.write(platform=WHY) as session:
            session.get_one(Address, held.address).rests_from = 99

    before_the_next_write(rig, monkeypatch, comes_and_goes)
    rig.agent.orphans.remove(rig.runtime.list())
    assert [row.replica_id for row in rig.all(Address, address="10.210.0.77")] == ["r-new"]


@pytest.mark.parametrize(("before", "after"), [("r-other", "r-other"), (None, "r-new")])
def test_a_replica_takes_an_address_from_the_quarantine_but_from_no_other_replica(
    rig: Rig, before: str | None, after: str
) -> None:
    app = rig.add_app()
    rig.live(app)
    add(rig, Address(tenant_id=rig.tenant_id, address="10.210.0.77", replica_id=before))
    with rig.db.write(platform=WHY) as session:
        address_quarantine.hold(session, starting(rig, app, "r-new", "10.210.0.77"))
    assert [row.replica_id for row in rig.all(Address, address="10.210.0.77")] == [after]


@pytest.mark.parametrize("call", [1, 2], ids=["in its own release", "in the release of another"])
def test_an_address_that_is_quarantined_anew_while_some_are_reclaimed_stays_in_quarantine(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    first, second = (Address(tenant_id=rig.tenant_id, address=f"10.210.0.7{n}", rests_from=1) for n in (7, 8))
    add(rig, first, second)
    released: list[str] = []

    def release(address: str) -> None:
        released.append(address)
        if len(released) == call:
            with rig.db.write(platform=WHY) as session:
                session.merge(Address(tenant_id=rig.tenant_id, address=released[0], rests_from=99))

    monkeypatch.setattr(rig.runtime, "release", release)
    assert rig.agent.quarantine.reclaim(confirmed=1) == 2
    assert [(row.address, row.rests_from) for row in rig.all(Address)] == [(released[0], 99)]
