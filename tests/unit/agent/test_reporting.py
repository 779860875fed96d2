"""How deployments end reaches their logs and the forge, whatever is down or killed meanwhile."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from builder.agent.reporting import GIVEN_UP_AFTER, Reporting, StatusSender
from slipway.core.deployment.states import Kind, State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import App, Deployment, now
from tests.building_fakes import FakeLog, FakeStatuses
from tests.fixtures.rows import add_app, add_tenant
from tests.fixtures.services.inline import Inline

MAIN = "refs/heads/main"
TO_STARTING = (State.FETCHING, State.BUILDING, State.STARTING)


class Rig:
    def __init__(self, url: str) -> None:
        self.db = Database(url)
        self.tenant_id = add_tenant(self.db)
        self.app = add_app(self.db, self.tenant_id, "shop")
        self.log = FakeLog()
        self.forge = FakeStatuses()
        self.executor = Inline()
        self.now = 1000.0
        self.restart()

    def restart(self) -> None:
        """As after kill -9: nothing is remembered, nothing is being sent."""
        sender = StatusSender(cast(Any, self.forge), "https://slipway.example/", clock=lambda: self.now)
        self.reporting = Reporting(self.db, self.log, sender, executor=self.executor)

    def push(self, commit: str = "a" * 40, *states: State, app: App | None = None) -> Deployment:
        app = app or self.app
        pushed = intents.Pushed(MAIN, commit)
        with self.db.write(tenant_id=self.tenant_id) as session:
            found = session.get_one(App, app.id)
            key = f"{app.id}:{found.next_sequence}"
            row = intents.push(session, found, pushed, idempotency_key=key, actor="a test")
        self.advance(row, *states)
        return row

    def advance(self, deployment: Deployment, *states: State) -> None:
        with self.db.write(tenant_id=self.tenant_id) as session:
            for state in states:
                lifecycle.advance(session.get_one(Deployment, deployment.id), state)

    def fail(self, deployment: Deployment) -> None:
        with self.db.write(tenant_id=self.tenant_id) as session:
            lifecycle.fail(session.get_one(Deployment, deployment.id), DeploymentFailed("start-crashed", "it ended"))

    def change(self, deployment: Deployment, **values: Any) -> None:
        with self.db.write(tenant_id=self.tenant_id) as session:
            for name, value in values.items():
                setattr(session.get_one(Deployment, deployment.id), name, value)

    def reported(self, deployment: Deployment) -> str | None:
        with self.db.read(tenant_id=self.tenant_id) as session:
            return session.get_one(Deployment, deployment.id).reported_state


@pytest.fixture
def rig(sqlite_url: str) -> Iterator[Rig]:
    made = Rig(sqlite_url)
    yield made
    made.db.dispose()


def test_a_push_is_pending_until_it_is_live(rig: Rig) -> None:
    deployment = rig.push("a" * 40, *TO_STARTING)
    rig.reporting.look()
    rig.reporting.look()
    assert (rig.forge.states, rig.log.finished) == (["pending"], [])
    rig.advance(deployment, State.LIVE)
    rig.reporting.look()
    rig.reporting.look()
    assert (rig.forge.states, rig.log.finished) == (["pending", "success"], [deployment.id])
    last = rig.forge.sent[-1]
    assert (last.commit_sha, last.description) == ("a" * 40, "shop is live")
    assert last.target_url == f"https://slipway.example/deployments/{deployment.id}"
    assert rig.reported(deployment) == "live"


def test_a_deployment_by_hand_is_pending_once_its_commit_is_known(rig: Rig) -> None:
    deployment = rig.push("", State.FETCHING)
    rig.reporting.look()
    assert rig.forge.states == []
    rig.change(deployment, commit_sha="a" * 40)
    rig.reporting.look()
    assert rig.forge.states == ["pending"]


@pytest.mark.parametrize(
    ("state", "status"),
    [("failed", "failure"), ("cancelled", "error"), ("superseded", "error"), ("skipped", "success")],
)
def test_an_end_without_an_image_is_reported(rig: Rig, state: str, status: str) -> None:
    deployment = rig.push("a" * 40, State.FETCHING, State(state))
    rig.reporting.look()
    assert (rig.forge.states, rig.log.finished, rig.reported(deployment)) == ([status], [deployment.id], state)


def test_a_deployment_that_no_worker_began_has_no_log_and_no_status(rig: Rig) -> None:
    deployment = rig.push("a" * 40, State.CANCELLED)
    rig.reporting.look()
    assert (rig.forge.sent, rig.log.finished, rig.reported(deployment)) == ([], [], "cancelled")


def test_a_live_release_that_gives_way_is_corrected(rig: Rig) -> None:
    deployment = rig.push("a" * 40, *TO_STARTING, State.LIVE)
    rig.reporting.look()
    rig.fail(deployment)
    rig.reporting.look()
    assert rig.forge.states == ["success", "failure"]
    assert rig.forge.sent[-1].description == "shop failed: it ended"
    assert rig.reported(deployment) == "failed"


def test_one_that_gives_way_while_its_success_is_sent_is_reported_again(rig: Rig) -> None:
    deployment = rig.push("a" * 40, *TO_STARTING, State.LIVE)

    def gives_way(_status: object) -> None:
        rig.forge.before = lambda _status: None
        rig.fail(deployment)

    rig.forge.before = gives_way
    rig.reporting.look()
    rig.reporting.look()
    assert rig.forge.states == ["success", "failure"]


def test_a_release_that_is_replaced_needs_no_other_status(rig: Rig) -> None:
    deployment = rig.push("a" * 40, *TO_STARTING, State.LIVE)
    rig.reporting.look()
    rig.advance(deployment, State.RETIRED)
    rig.reporting.look()
    assert rig.forge.states == ["success"]


@pytest.mark.parametrize("source", ["git", "image"])
def test_a_rollback_and_an_image_have_no_commit_to_report(rig: Rig, source: str) -> None:
    deployment = rig.push()
    rig.change(deployment, kind=str(Kind.ROLLBACK), source=source)
    rig.advance(deployment, State.STARTING, State.LIVE)
    rig.reporting.look()
    assert (rig.forge.sent, rig.reported(deployment)) == ([], "live")
    rig.fail(deployment)
    rig.reporting.look()
    assert rig.forge.states == ([] if source == "image" else ["failure"])


def test_an_agent_that_is_killed_before_it_reported_does_so_after_its_restart(rig: Rig) -> None:
    rig.executor.held = True
    deployment = rig.push("a" * 40, State.FETCHING, State.FAILED)
    rig.reporting.look()
    rig.executor.forget()
    rig.restart()
    rig.reporting.look()
    assert (rig.forge.states, rig.reported(deployment)) == (["failure"], "failed")


def test_a_forge_that_is_down_gets_the_status_later_and_the_logs_are_closed_at_once(rig: Rig) -> None:
    rig.forge.down = True
    first = rig.push("a" * 40, State.FETCHING, State.FAILED)
    rig.reporting.look()
    assert (rig.log.finished, rig.reported(first)) == ([first.id], None)
    rig.forge.down = False
    rig.reporting.look()
    assert rig.forge.sent == [], "it is not asked again at once"
    rig.now += 2
    rig.reporting.look()
    assert (rig.forge.states, rig.log.finished, rig.reported(first)) == (["failure"], [first.id], "failed")


def test_a_forge_that_answers_slowly_delays_no_look(rig: Rig) -> None:
    rig.executor.held = True  # what is being sent does not end
    rig.push("a" * 40, State.FETCHING, State.FAILED)
    rig.reporting.look()
    later = rig.push("b" * 40, State.FETCHING, State.FAILED)
    rig.reporting.look()
    assert later.id in rig.log.finished
    rig.executor.resume()
    rig.reporting.look()
    assert rig.forge.states == ["failure", "failure"]


def test_an_app_whose_status_can_not_be_sent_delays_no_other_app(rig: Rig) -> None:
    other = add_app(rig.db, rig.tenant_id, "blog")

    def refuse_shop(status: Any) -> None:
        rig.forge.down = status.app == "shop"

    rig.forge.before = refuse_shop
    for app in (rig.app, rig.app, other):
        rig.push("a" * 40, State.FETCHING, State.FAILED, app=app)
    rig.reporting.look()
    assert [each.app for each in rig.forge.sent] == ["blog"]


def test_postponed_statuses_of_one_commit_are_sent_in_the_order_of_their_ends(rig: Rig) -> None:
    made_first = rig.push("a" * 40, *TO_STARTING, State.LIVE)
    made_later = rig.push("a" * 40, State.FETCHING, State.FAILED)
    rig.change(made_later, ended_at=now() - timedelta(minutes=1))
    rig.reporting.look()
    assert rig.forge.states == ["failure", "success"]
    assert rig.reported(made_first) == "live"


def test_a_postponed_end_is_sent_before_the_pending_of_what_began_after_it(rig: Rig) -> None:
    began = rig.push("a" * 40, State.FETCHING)
    ended = rig.push("a" * 40, State.FETCHING, State.FAILED)
    rig.change(began, started_at=now() + timedelta(minutes=1))
    rig.reporting.look()
    assert rig.forge.states == ["failure", "pending"]
    assert rig.reported(ended) == "failed"


def test_a_log_that_can_not_be_closed_is_logged_once_and_closed_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deployment = rig.push("a" * 40, State.FETCHING, State.FAILED)
    with monkeypatch.context() as full:
        full.setattr(rig.log, "finish", fail_full)
        for _ in range(3):
            rig.reporting.look()
    assert [each.message for each in caplog.records] == ["a log is closed later"]
    assert rig.reported(deployment) is None
    rig.reporting.look()
    assert (rig.log.finished, rig.reported(deployment)) == ([deployment.id], "failed")


def fail_full(_deployment_id: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_status_that_the_forge_did_not_take_for_a_day_is_given_up(rig: Rig) -> None:
    deployment = rig.push("a" * 40, State.FETCHING, State.FAILED)
    rig.change(deployment, ended_at=now() - GIVEN_UP_AFTER)
    rig.reporting.look()
    assert (rig.forge.sent, rig.reported(deployment)) == ([], "failed")


def test_without_a_token_the_logs_are_closed_all_the_same(rig: Rig) -> None:
    rig.forge.are_sent = False
    deployment = rig.push("a" * 40, *TO_STARTING)
    rig.reporting.look()
    rig.advance(deployment, State.LIVE)
    rig.reporting.look()
    assert (rig.log.finished, rig.reported(deployment)) == ([deployment.id], "live")
    assert "pending" not in rig.forge.states
