"""A pull request becomes an app, which follows it until it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slipway.core.app_settings.configuration import Configuration
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import App, AuditRecord, Deployment, Domain, Release, Tenant, Volume, now
from tests.integration.agent.previews.conftest import FIRST, SECOND, Previews
from tests.integration.agent.rig import Rig


def test_an_opened_pull_request_gets_an_app_with_a_host_and_a_deployment(previews: Previews) -> None:
    app = previews.opened()
    assert (app.name, app.is_preview, app.branch) == ("pr-12-shop", True, "cart")
    assert previews.hosts(app) == [f"pr-12-shop.{previews.rig.settings.app_domain}"]
    assert previews.deployed(app) == [("push", "refs/pull/12/head", FIRST)]
    assert len(previews.queue.enqueued) == 1
    recorded = [(each.actor, each.action, each.subject) for each in previews.rig.all(AuditRecord)]
    who = "platform: pull request"
    assert recorded == [(who, "app.create", "pr-12-shop"), (who, "deployment.create", "pr-12-shop")]


def test_a_push_to_it_is_deployed_once(previews: Previews) -> None:
    app = previews.opened()
    previews.event(head=SECOND, minute=1)
    for _ in range(3):
        previews.look()
    assert [commit for _, _, commit in previews.deployed(app)] == [FIRST, SECOND]


def test_a_head_that_comes_back_is_deployed_again(previews: Previews) -> None:
    app = previews.opened()
    for minute, head in enumerate((SECOND, FIRST), start=1):
        previews.event(head=head, minute=minute)
        previews.look()
    assert [commit for _, _, commit in previews.deployed(app)] == [FIRST, SECOND, FIRST]


def test_the_same_event_again_changes_nothing(previews: Previews) -> None:
    app = previews.opened()
    previews.event()
    previews.look()
    assert len(previews.deployed(app)) == 1


def test_a_closed_one_loses_its_app_with_its_volumes(previews: Previews) -> None:
    app = previews.opened()
    with previews.rig.db.write(tenant_id=app.tenant_id) as session:
        session.add(
            Volume(id="v", tenant_id=app.tenant_id, app_id=app.id, app_name=app.name, name="data", mount_path="/data")
        )
    previews.event(is_open=False, minute=1)
    previews.look()
    assert previews.app() is None
    [row] = previews.rig.all(App, id=app.id)
    assert row.deleted_at is not None
    assert previews.rig.all(Volume)[0].removal_requested_at is not None


def test_a_closing_that_comes_before_the_opening_stands(previews: Previews) -> None:
    previews.event(is_open=False, minute=1)
    assert not previews.event(minute=0).concerns_preview
    previews.look()
    assert previews.app() is None


def test_an_old_event_after_a_push_changes_nothing(previews: Previews) -> None:
    app = previews.opened(head=SECOND, minute=2)
    previews.event(head=FIRST, minute=1)
    previews.look()
    assert [commit for _, _, commit in previews.deployed(app)] == [SECOND]


def test_one_that_is_opened_again_gets_an_app_again(previews: Previews) -> None:
    first = previews.opened()
    previews.event(is_open=False, minute=1)
    previews.look()
    with previews.rig.db.write(platform="a test") as session:  # as the agent removes it in the end
        session.delete(session.get_one(App, first.id))
    previews.event(minute=2)
    previews.look()
    again = previews.app()
    assert again is not None
    assert previews.deployed(again) == [("push", "refs/pull/12/head", FIRST)]


def test_while_the_last_app_is_being_removed_the_next_has_another_name(previews: Previews) -> None:
    previews.opened()
    previews.event(is_open=False, minute=1)
    previews.look()
    app = previews.opened(minute=2)
    assert app.name == f"pr-12-shop-{previews.row().key[:4]}"


def test_without_the_setting_nothing_is_written_down(rig: Rig) -> None:
    previews = Previews(rig, rig.add_app("shop"))
    followed = previews.event()
    assert (followed.concerns_preview, "previews=true" in followed.reason) == (False, True)
    previews.look()
    assert len(rig.all(App)) == 1


def test_one_into_another_branch_gets_nothing(previews: Previews) -> None:
    assert not previews.event(base="next").concerns_preview


def test_one_whose_base_is_changed_loses_its_app(previews: Previews) -> None:
    previews.opened()
    previews.event(base="next", minute=1)
    previews.look()
    assert previews.app() is None


def test_an_app_that_makes_previews_no_more_loses_them_and_gets_them_back(previews: Previews) -> None:
    previews.opened()
    previews.rig.change(previews.parent, settings={})
    previews.look()
    assert previews.app() is None
    previews.rig.change(previews.parent, settings={"previews": True})
    previews.look()
    assert previews.app() is not None


def test_it_expires_without_a_push_and_comes_back_with_one(previews: Previews) -> None:
    previews.opened()
    assert previews.row().expires_at > now() + timedelta(days=6)
    previews.rig.change(previews.row(), expires_at=now())
    previews.look()
    assert previews.app() is None
    previews.event(minute=1)  # a label, say
    previews.look()
    assert previews.app() is None
    previews.event(head=SECOND, minute=2)
    previews.look()
    assert previews.app() is not None


def test_only_so_many_at_one_time(rig: Rig) -> None:
    previews = Previews(rig, rig.add_app("shop", previews={"limit": 2}))
    for number in (1, 2, 3):
        previews.event(number)
    previews.look()
    assert [previews.app(number) is not None for number in (1, 2, 3)] == [True, True, False]
    assert "as many as previews.limit allows" in previews.row(3).detail
    previews.event(1, is_open=False, minute=1)
    for _ in range(2):
        previews.look()
    assert previews.app(3) is not None
    assert previews.row(3).detail == ""


def test_a_quota_stands_against_it_until_there_is_room(rig: Rig) -> None:
    previews = Previews(rig, rig.add_app("shop", previews=True))
    with rig.db.write(platform="a test") as session:
        session.get_one(Tenant, rig.tenant_id).quotas = {"apps": 1}
    previews.event()
    previews.look()
    assert previews.app() is None
    assert "apps" in previews.row().detail
    assert (len(rig.all(App)), len(rig.all(Domain))) == (1, 1)
    with rig.db.write(platform="a test") as session:
        session.get_one(Tenant, rig.tenant_id).quotas = {"apps": 2}
    previews.look()
    assert previews.app() is None  # it is not tried each second
    previews.ahead_s = 60
    previews.look()
    assert previews.app() is not None


def test_a_name_and_a_host_that_are_taken_are_left_alone(previews: Previews) -> None:
    taken = previews.rig.add_app("pr-12-shop")
    app = previews.opened()
    assert app.name == f"pr-12-shop-{previews.row().key[:4]}"
    assert taken.id != app.id


def test_the_parents_settings_and_credential_are_taken_over_with_each_push(previews: Previews) -> None:
    rig, parent = previews.rig, previews.parent
    rig.change(parent, credential=rig.vault.seal("a token", parent.tenant_id, parent.id, "credential"))
    rig.change(parent, settings={"previews": True, "port": 9000})
    app = previews.opened()
    assert app.settings == {"port": 9000}
    assert rig.vault.open(app.credential or "", app.tenant_id, app.id, "credential") == "a token"
    rig.change(parent, settings={"previews": True, "port": 9001}, credential=None)
    previews.event(head=SECOND, minute=1)
    previews.look()
    [app] = rig.all(App, id=app.id)
    assert (app.settings, app.credential) == ({"port": 9001}, None)


def given_variables(previews: Previews, **settings: object) -> None:
    table = {"variables": {"MODE": "preview"}, **settings}
    previews.rig.change(previews.parent, settings={"previews": table})
    previews.set_variable(previews.parent, "DATABASE_URL", "postgres://secret", secret=True)
    previews.set_variable(previews.parent, "MODE", "production")
    previews.set_variable(previews.parent, "NPM_TOKEN", "npm", scope="build", secret=True)


def test_a_preview_has_its_own_variables_alone(previews: Previews) -> None:
    given_variables(previews)
    assert previews.variables(previews.opened()) == {("run", "MODE"): ("preview", False)}


def test_a_preview_inherits_the_apps_variables_where_the_app_says_so(previews: Previews) -> None:
    given_variables(previews, inherit_variables=True)
    assert previews.variables(previews.opened()) == {
        ("run", "DATABASE_URL"): ("postgres://secret", True),
        ("run", "MODE"): ("preview", False),
        ("build", "NPM_TOKEN"): ("npm", True),
    }


class TestForks:
    @pytest.fixture
    def fork(self, previews: Previews) -> Previews:
        given_variables(previews, inherit_variables=True)
        previews.event(is_fork=True)
        previews.look()
        return previews

    def approve(self, previews: Previews, commit: str) -> None:
        previews.rig.change(previews.row(), approved_sha=commit)
        previews.look()

    def test_nothing_of_it_runs_before_its_commit_is_approved(self, fork: Previews) -> None:
        assert fork.app() is None
        self.approve(fork, SECOND)
        assert fork.app() is None
        self.approve(fork, FIRST)
        assert fork.app() is not None

    def test_each_commit_needs_an_approval(self, fork: Previews) -> None:
        self.approve(fork, FIRST)
        fork.event(head=SECOND, minute=1, is_fork=True)
        fork.look()
        app = fork.app()
        assert app is not None
        assert [commit for _, _, commit in fork.deployed(app)] == [FIRST]
        self.approve(fork, SECOND)
        assert [commit for _, _, commit in fork.deployed(app)] == [FIRST, SECOND]

    def test_it_gets_none_of_the_apps_variables(self, fork: Previews) -> None:
        self.approve(fork, FIRST)
        app = fork.app()
        assert app is not None
        assert fork.variables(app) == {("run", "MODE"): ("preview", False)}


def test_deleting_the_app_deletes_its_previews(previews: Previews) -> None:
    previews.opened()
    previews.rig.change(previews.parent, deleted_at=now())
    previews.look()
    assert previews.app() is None


def test_an_app_knows_a_bounded_number_of_pull_requests(previews: Previews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.domain.previews.following.MOST_KNOWN", 2)
    for number in (1, 2):
        previews.event(number)
    assert not previews.event(3).concerns_preview
    previews.rig.change(previews.row(1), is_open=False, settled=True)
    assert previews.event(3).concerns_preview
    assert sorted(row.number for row in previews.rig.all(type(previews.row(2)))) == [2, 3]


def test_a_preview_has_no_schedule(previews: Previews) -> None:
    rig = previews.rig
    job = {"name": "mails", "schedule": "@hourly", "command": "send-mails"}
    rig.change(previews.parent, settings={"previews": True, "cron": [job]})
    app = previews.opened()
    of_preview, of_parent = rig.live(app, SECOND), rig.live(previews.parent)
    schedules = [
        Configuration.from_json(rig.all(Release, id=row.release_id)[0].configuration).cron
        for row in (of_preview, of_parent)
    ]
    assert [len(each) for each in schedules] == [0, 1]


def test_a_preview_that_is_live_is_routed_and_disappears_when_it_is_closed(previews: Previews) -> None:
    rig = previews.rig
    app = previews.opened()
    [row] = rig.all(Deployment, app_id=app.id)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        found = session.get_one(Deployment, row.id)
        for state in (State.FETCHING, State.BUILDING):
            lifecycle.advance(found, state)
    rig.build_ends(row)
    rig.settle(app)
    [host] = previews.hosts(app)
    assert (rig.deployment(row).state, len(rig.running(app))) == ("live", 1)
    assert rig.publisher.table[host]["targets"]
    previews.event(is_open=False, minute=1)
    previews.look()
    rig.settle(app)
    rig.agent.routes.sync()
    assert rig.publisher.table.get(host) is None
    assert rig.running(app) == {}
