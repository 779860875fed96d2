"""What somebody chose by hand stands until the branch moves, however often its head is delivered again."""

from __future__ import annotations

import itertools

import pytest

from slipway.core.deployment.states import State
from slipway.domain import intents, lifecycle
from slipway.models import App, Delivery, Deployment, Release
from tests.fixtures.rows import add_hook
from tests.unit.builder.conftest import MAIN, Rig

GOOD, BAD, NEWER = "a" * 40, "b" * 40, "c" * 40
_numbers = itertools.count(1)


@pytest.fixture
def hook_id(rig: Rig) -> str:
    return add_hook(rig.db, rig.vault, rig.tenant_id)


@pytest.fixture(autouse=True)
def rolled_back(rig: Rig, hook_id: str) -> Deployment:
    """GOOD was pushed, then BAD, then somebody went back."""
    good = delivered(rig, hook_id, GOOD)
    goes_live(rig, good)
    goes_live(rig, delivered(rig, hook_id, BAD))
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        rollback = intents.rollback(session, session.get_one(App, rig.app_id), actor="ada")
    goes_live(rig, rollback)
    return rollback


def delivered(rig: Rig, hook_id: str, commit: str, body: str = "") -> Deployment:
    """A push to the branch, which is there now. A body belongs to its commit alone when none is given."""
    rig.sources.heads[MAIN] = commit
    number = next(_numbers)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        delivery = Delivery(
            tenant_id=rig.tenant_id,
            hook_id=hook_id,
            delivery_id=str(number),
            event="push",
            outcome="deployed",
            body_digest=body or f"body of {commit}",
        )
        session.add(delivery)
        session.flush()
        return intents.push(
            session,
            session.get_one(App, rig.app_id),
            intents.Pushed(MAIN, commit),
            idempotency_key=f"delivery:{number}",
            delivery_row=delivery.id,
            actor="test",
        )


def goes_live(rig: Rig, deployment: Deployment) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.get_one(Deployment, deployment.id)
        live = intents.live_deployment(session, rig.app_id)
        if live:
            lifecycle.advance(live, State.RETIRED)
            session.flush()
        if row.release_id is None:
            release = Release(
                tenant_id=rig.tenant_id,
                app_id=rig.app_id,
                number=row.id,
                image="i",
                digest="d",
                commit_sha=row.commit_sha,
            )
            session.add(release)
            session.flush()
            row.release_id = release.id
            lifecycle.advance(row, State.FETCHING)
        for state in (State.STARTING, State.LIVE):
            lifecycle.advance(row, state)


def test_the_heads_body_replayed_is_skipped_with_its_reason(rig: Rig, hook_id: str, rolled_back: Deployment) -> None:
    for _ in range(2):
        replay = delivered(rig, hook_id, BAD)
        assert rig.work(replay) == "skipped"
        row = rig.row(replay)
        assert f"before deployment {rolled_back.id} (a rollback)" in row.detail
        assert row.remedy == "to deploy it all the same: slipway deploy"
    assert rig.images.built == []


def test_it_is_skipped_after_a_configuration_change_too(rig: Rig, hook_id: str) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        change = intents.reconfigure(session, session.get_one(App, rig.app_id), actor="ada", what="V set")
        assert change
        change.release_id = intents.live_deployment(session, rig.app_id).release_id  # type: ignore[union-attr]
    goes_live(rig, change)
    assert rig.work(delivered(rig, hook_id, BAD)) == "skipped"


def test_an_older_body_replayed_before_it_is_no_move_of_the_branch(rig: Rig, hook_id: str) -> None:
    assert rig.work(delivered(rig, hook_id, GOOD)) == "skipped", "it is live"
    assert rig.work(delivered(rig, hook_id, BAD)) == "skipped"


def test_a_late_delivery_of_an_older_push_is_no_move_for_a_body_that_came_before(rig: Rig, hook_id: str) -> None:
    older = delivered(rig, hook_id, NEWER)  # pushed before BAD, and on its way until now
    assert rig.work(delivered(rig, hook_id, BAD)) == "skipped", "it was not looked at yet"
    assert rig.work(older) == "superseded"
    assert rig.work(delivered(rig, hook_id, BAD)) == "skipped"
    assert rig.work(delivered(rig, hook_id, BAD, body="pushed again")) == "starting"


def goes_back_again(rig: Rig) -> None:
    """A newer rollback, which cancels what waits."""
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app = session.get_one(App, rig.app_id)
        live = intents.live_deployment(session, app.id)
        assert live
        release = session.get(Release, live.release_id)
        rollback = intents.rollback(session, app, to=2 if release and release.number == 1 else 1, actor="ada")
    goes_live(rig, rollback)


@pytest.mark.parametrize("head", [BAD, NEWER])
def test_a_push_that_a_rollback_cancelled_before_a_worker_saw_it_leaves_both_for_old(
    rig: Rig, hook_id: str, head: str
) -> None:
    """It was the branch's head, or came late: nobody knows."""
    waiting = delivered(rig, hook_id, NEWER)
    goes_back_again(rig)
    assert rig.row(waiting).state == "cancelled"
    assert rig.work(delivered(rig, hook_id, head)) == "skipped"
    assert rig.work(delivered(rig, hook_id, "d" * 40)) == "starting"


def test_a_push_that_was_not_the_head_before_a_rollback_does_not_make_the_head_new(rig: Rig, hook_id: str) -> None:
    late = delivered(rig, hook_id, NEWER)
    rig.sources.heads[MAIN] = BAD
    assert rig.work(late) == "superseded"
    goes_back_again(rig)
    assert rig.work(delivered(rig, hook_id, BAD)) == "skipped"


def test_a_new_commit_is_deployed(rig: Rig, hook_id: str) -> None:
    assert rig.work(delivered(rig, hook_id, NEWER)) == "starting"


def test_the_same_commit_is_deployed_when_the_branch_was_elsewhere_meanwhile(rig: Rig, hook_id: str) -> None:
    assert rig.work(delivered(rig, hook_id, GOOD, body="forced back")) == "skipped"
    assert rig.work(delivered(rig, hook_id, BAD, body="and forth")) == "starting"


def test_a_rollback_that_came_to_nothing_is_no_choice(rig: Rig, hook_id: str, rolled_back: Deployment) -> None:
    rig.change(rolled_back, state="failed")
    assert rig.work(delivered(rig, hook_id, BAD)) == "starting"


@pytest.mark.parametrize("rebuild", [False, True])
def test_by_hand_the_head_is_deployed(rig: Rig, rebuild: bool) -> None:
    rig.sources.heads["main"] = BAD
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = intents.deploy(session, session.get_one(App, rig.app_id), ref="main", actor="ada", rebuild=rebuild)
    assert rig.work(row) == "starting"
