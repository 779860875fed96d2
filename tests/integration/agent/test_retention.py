"""Rows that are long over go; what rollback, replays, the next release's number or the build of now need stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builder.agent.maintenance import retention
from slipway.core.deployment.states import State
from slipway.core.quota.build_time import Month
from slipway.domain import audit, intents
from slipway.models import (
    App,
    AuditRecord,
    Build,
    BuildTime,
    Delivery,
    Deployment,
    FormerDomain,
    Hook,
    Invitation,
    Preview,
    Release,
    now,
)
from tests.integration.agent.rig import WHY, Rig

LONG_AGO = timedelta(days=400)


@pytest.fixture
def rig(rig_on_each_database: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Of each kind of deployment the newest two stay, where a year is over."""
    monkeypatch.setattr(retention, "KEPT", 2)
    return rig_on_each_database


@pytest.fixture
def app(rig: Rig) -> App:
    return rig.add_app()


def ended(rig: Rig, app: App, number: int, ago: timedelta = LONG_AGO) -> Deployment:
    row = rig.building(app, f"{number:040x}")
    rig.change(row, state=str(State.FAILED), ended_at=now() - ago)
    return row


def left(rig: Rig) -> list[int]:
    return sorted(row.id for row in rig.all(Deployment))


def test_ended_deployments_go_after_their_time_but_the_newest_stay(rig: Rig, app: App) -> None:
    old = [ended(rig, app, number) for number in range(1, 5)]
    assert retention.trim(rig.db, days=rig.settings.history_days) == 2
    assert left(rig) == [row.id for row in old[2:]]
    assert retention.trim(rig.db, days=rig.settings.history_days) == 0


def test_what_ended_within_the_time_or_is_under_way_stays(rig: Rig, app: App) -> None:
    rows = [ended(rig, app, number, timedelta(days=300)) for number in range(1, 5)]
    under_way = rig.building(app, "a" * 40)
    rig.change(under_way, created_at=now() - LONG_AGO)
    assert retention.trim(rig.db, days=rig.settings.history_days) == 0
    assert left(rig) == [row.id for row in (*rows, under_way)]


def test_a_rollback_stays_however_many_pushes_came_since(rig: Rig, app: App) -> None:
    rig.live(app, "a" * 40)
    rig.live(app, "b" * 40)
    rollback = rig.intend(app, intents.rollback, actor="a test")
    rig.settle(app)
    pushes = [ended(rig, app, number) for number in range(1, 5)]
    rig.change(rollback, ended_at=now() - LONG_AGO)
    retention.trim(rig.db, days=rig.settings.history_days)
    assert rollback.id in left(rig)
    assert pushes[0].id not in left(rig)


def test_what_can_be_gone_back_to_and_the_build_of_what_is_live_stay(rig: Rig, app: App) -> None:
    first = rig.live(app, "a" * 40)
    changed = rig.intend(app, intents.reconfigure, actor="a test", what="V set")
    rig.settle(app)
    rig.change(first, ended_at=now() - LONG_AGO)
    rig.change(rig.all(Release, number=1)[0], collected_at=now() - LONG_AGO)  # the live one runs its build
    for number in range(1, 4):
        ended(rig, app, number)
    assert retention.trim(rig.db, days=rig.settings.history_days) == 1
    assert first.id in left(rig)
    assert rig.intend(app, intents.reconfigure, actor="a test", what="V set again")
    rig.settle(app)
    [live] = rig.all(Deployment, state="live")
    assert live.id > changed.id


def test_a_collected_release_goes_with_its_deployment_and_no_number_is_used_again(rig: Rig, app: App) -> None:
    rows = [rig.live(app, letter * 40) for letter in "abcd"]
    for row, release in zip(rows[:3], rig.all(Release), strict=False):
        rig.change(row, ended_at=now() - LONG_AGO)
        rig.change(release, collected_at=now() - LONG_AGO)
    while rig.replicas(app) and len(rig.running(app)) > 1:
        rig.settle(app)
    retention.trim(rig.db, days=rig.settings.history_days)
    assert rows[0].id not in left(rig)
    assert not rig.all(Build, deployment_id=rows[0].id)
    assert rig.live(app, "e" * 40).state == "live"
    assert max(release.number for release in rig.all(Release)) == 5


def test_deliveries_and_the_audit_go_but_a_body_that_deployed_is_known_for_ever(rig: Rig) -> None:
    with rig.db.write(platform=WHY) as session:
        session.add(Hook(id="h", tenant_id=rig.tenant_id, repository_identity="github.example/a/b"))
        session.flush()
        for number, (outcome, ago) in enumerate(
            [("deployed", LONG_AGO), ("ignored", LONG_AGO), ("refused", LONG_AGO), ("ignored", timedelta(days=1))]
        ):
            values = {"tenant_id": rig.tenant_id, "hook_id": "h", "event": "push", "delivery_id": str(number)}
            session.add(Delivery(**values, outcome=outcome, received_at=now() - ago))
        for _ in range(2):
            audit.record(session, rig.tenant_id, audit.HOST, "app.change", "hello")
    rig.change(rig.all(AuditRecord)[0], at=now() - LONG_AGO)
    assert retention.trim(rig.db, days=rig.settings.history_days) == 3
    assert [row.delivery_id for row in rig.all(Delivery)] == ["0", "3"]
    assert len(rig.all(AuditRecord)) == 1


def test_who_was_invited_and_did_not_come_is_forgotten_and_who_invited_a_member_is_not(rig: Rig) -> None:
    with rig.db.write(platform=WHY) as session:
        for name, ago, accepted_at in (("a", LONG_AGO, None), ("b", LONG_AGO, now()), ("c", timedelta(0), None)):
            values = {"email": f"{name}@x.org", "role": "viewer", "hashed": name, "inviter": "host"}
            row = Invitation(tenant_id=rig.tenant_id, expires_at=now() - ago, accepted_at=accepted_at, **values)
            session.add(row)
    assert retention.trim(rig.db, days=rig.settings.history_days) == 1
    assert [row.email for row in rig.all(Invitation)] == ["b@x.org", "c@x.org"]


def test_one_transaction_removes_no_more_than_others_can_wait_for(
    rig: Rig, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    for number in range(1, 8):
        ended(rig, app, number)
    assert [retention.trim(rig.db, days=rig.settings.history_days) for _ in range(3)] == [3, 2, 0]


def test_times_of_builds_go_after_their_time_but_those_of_this_month_stay(rig: Rig, app: App) -> None:
    month = Month.of(now())
    ends = {"old": now() - LONG_AGO, "before": month.start - timedelta(seconds=1), "now": month.start, "open": None}
    with rig.db.write(platform=WHY) as session:
        for number, ended_at in enumerate(ends.values()):
            started_at = now() - LONG_AGO
            session.add(BuildTime(tenant_id=app.tenant_id, app_id=number, started_at=started_at, ended_at=ended_at))
    retention.trim(rig.db, days=365)
    assert sorted(row.app_id for row in rig.all(BuildTime)) == [1, 2, 3]
    retention.trim(rig.db, days=0)
    assert sorted(row.app_id for row in rig.all(BuildTime)) == [2, 3]


def test_domains_that_were_somebodys_are_forgotten_after_a_year_however_long_the_rest_is_kept(rig: Rig) -> None:
    year = timedelta(days=365)
    with rig.db.write(platform=WHY) as session:
        for host, ago in (("old.example", year * 1.01), ("new.example", year * 0.99)):
            session.add(FormerDomain(host=host, registered_domain=host, tenant_mark="0" * 32, released_at=now() - ago))
    assert retention.trim(rig.db, days=36500) == 1
    assert [row.host for row in rig.all(FormerDomain)] == ["new.example"]


def test_pull_requests_go_that_were_closed_long_ago(rig: Rig, app: App) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        for number, (is_settled, ago) in enumerate([(True, LONG_AGO), (True, timedelta()), (False, LONG_AGO)]):
            row = Preview(tenant_id=rig.tenant_id, parent_id=app.id, number=number, branch="b", ref="r", key="k")
            row.head, row.is_fork, row.settled = "1" * 40, False, is_settled
            row.expires_at = row.created_at = now() - ago
            session.add(row)
    assert retention.trim(rig.db, days=rig.settings.history_days) == 1
    assert [row.number for row in rig.all(Preview)] == [1, 2]
