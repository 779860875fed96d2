"""Deployments as GitHub sees them, by a stand-in for GitHub made of its published description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from builder.agent.reporting import Reporting, StatusSender
from builder.agent.reports.github import GitHubReporting
from slipway import settings
from slipway.adapters.vault import HOOKS, VALUES, Vault, create_key_file
from slipway.core.deployment.states import State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.domain.audit import Actor
from slipway.domain.github import app as github_app
from slipway.domain.github import installations
from slipway.domain.github.app import AppOfPlatform
from slipway.errors import DeploymentFailed
from slipway.models import App, Deployment, Domain
from tests.building_fakes import FakeLog, FakeStatuses
from tests.fixtures.github.server import GitHub, github
from tests.fixtures.rows import add_app, add_tenant
from tests.fixtures.services.inline import Inline

SHA = "a" * 40
TO_STARTING = (State.FETCHING, State.BUILDING, State.STARTING)
MAKE = "POST /repos/{owner}/{repo}/deployments"
MAKE_CHECK = "POST /repos/{owner}/{repo}/check-runs"


class Rig:
    def __init__(self, url: str, folder: Path, hub: GitHub) -> None:
        environ = {
            "SLIPWAY_STATE_DIR": str(folder),
            "SLIPWAY_DATABASE_URL": url,
            "SLIPWAY_PUBLIC_URL": "https://slipway.example",
        }
        self.settings = settings.load(environ)
        self.settings.key_dir.mkdir()
        for name in (HOOKS, VALUES):
            create_key_file(self.settings.key_dir / name)
        self.vault = Vault(self.settings.key_dir / VALUES)
        self.db, self.hub, self.forge = Database(url), hub, FakeStatuses()
        self.tenant_id = add_tenant(self.db)
        self.app = self.add_app("shop", f"{hub.url}/acme/shop.git")
        github_app.keep(self.db, self.vault, Vault(self.settings.key_dir / HOOKS), hub.registration, "secret")
        self.now = 1000.0
        self.restart()

    def add_app(self, name: str, repository: str) -> App:
        app = add_app(self.db, self.tenant_id, name, repository=repository)
        with self.db.write(tenant_id=self.tenant_id) as session:
            session.add(Domain(tenant_id=self.tenant_id, app_id=app.id, host=f"{name}.slipway.example"))
        return app

    def connect(self) -> None:
        with self.db.write(tenant_id=self.tenant_id) as session:
            actor = Actor("a test")
            installations.connect(
                session, self.tenant_id, actor, number=55, account="acme", selection="all", login="ann"
            )

    def restart(self) -> None:
        """As after kill -9: nothing is remembered."""
        by_app = GitHubReporting(self.db, AppOfPlatform(self.db, self.settings, self.vault), self.settings)
        sender = StatusSender(cast(Any, self.forge), "https://slipway.example", by_app, clock=lambda: self.now)
        self.reporting = Reporting(self.db, FakeLog(), sender, executor=Inline())

    def push(self, *states: State, app: App | None = None) -> Deployment:
        with self.db.write(tenant_id=self.tenant_id) as session:
            found = session.get_one(App, (app or self.app).id)
            key = f"{found.id}:{found.next_sequence}"
            row = intents.push(
                session, found, intents.Pushed("refs/heads/main", SHA), idempotency_key=key, actor="a test"
            )
        self.advance(row, *states)
        return row

    def advance(self, deployment: Deployment, *states: State) -> None:
        with self.db.write(tenant_id=self.tenant_id) as session:
            for state in states:
                lifecycle.advance(session.get_one(Deployment, deployment.id), state)

    def look(self) -> None:
        self.reporting.look()
        self.now += 600

    @property
    def states(self) -> list[str]:
        return [state for _number, state in self.hub.statuses]


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    with github() as hub:
        hub.add_installation(55, "acme", "shop")
        made = Rig(sqlite_url, tmp_path, hub)
        made.connect()
        yield made
        made.db.dispose()
        assert hub.faults == []


def test_a_push_is_a_deployment_whose_statuses_follow_it(rig: Rig) -> None:
    row = rig.push()
    rig.look()
    for state in (*TO_STARTING, State.LIVE):
        rig.advance(row, state)
        rig.look()
        rig.look()
    assert rig.states == ["queued", "in_progress", "success"]
    [made] = rig.hub.asked(MAKE)
    assert made.document | {"payload": None} == {
        "ref": SHA,
        "task": "deploy",
        "auto_merge": False,
        "required_contexts": [],
        "environment": "acme/shop",
        "description": f"shop, deployment {row.id}",
        "payload": None,
        "transient_environment": False,
        "production_environment": True,
    }
    last = rig.hub.asked("POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses")[-1].document
    assert last["log_url"] == f"https://slipway.example/deployments/{row.id}"
    assert last["environment_url"] == "https://shop.slipway.example/"


def test_a_previews_environment_is_transient(rig: Rig) -> None:
    row = rig.push()
    with rig.db.write(tenant_id=row.tenant_id) as session:
        session.get_one(App, row.app_id).is_preview = True
    rig.look()
    [made] = rig.hub.asked(MAKE)
    assert made.document["transient_environment"]
    assert not made.document["production_environment"]


def test_the_commit_has_one_check_which_ends_with_the_deployment(rig: Rig) -> None:
    row = rig.push()
    rig.look()
    rig.advance(row, *TO_STARTING, State.LIVE)
    rig.look()
    [check] = rig.hub.checks.values()
    assert (check["status"], check["conclusion"]) == ("completed", "success")
    assert (check["name"], check["head_sha"]) == ("slipway/acme/shop", SHA)
    assert check["details_url"] == f"https://slipway.example/deployments/{row.id}"
    assert rig.forge.sent == []


def test_a_failure_says_why_in_the_checks_summary(rig: Rig) -> None:
    row = rig.push(*TO_STARTING)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        error = DeploymentFailed("start-crashed", "it ended ~~~ at once", remedy="slipway logs")
        lifecycle.fail(session.get_one(Deployment, row.id), error)
    rig.look()
    [check] = rig.hub.checks.values()
    assert check["conclusion"] == "failure"
    assert "\n~~~text\nit ended ~ ~ ~ at once\n~~~\n" in check["output"]["summary"]
    assert rig.states == ["failure"]


def test_what_a_newer_one_took_the_place_of_is_inactive(rig: Rig) -> None:
    old = rig.push(*TO_STARTING, State.LIVE)
    rig.look()
    new = rig.push(*TO_STARTING)
    rig.advance(old, State.RETIRED)
    rig.advance(new, State.LIVE)
    rig.look()
    first, second = rig.hub.deployments
    assert [each for each in rig.hub.statuses if each[0] == first] == [(first, "success"), (first, "inactive")]
    assert (second, "success") in rig.hub.statuses


def test_what_serves_again_is_a_success_again(rig: Rig) -> None:
    row = rig.push(*TO_STARTING, State.LIVE)
    rig.look()
    rig.advance(row, State.RETIRED)
    rig.look()
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        lifecycle.bring_back(session.get_one(Deployment, row.id))
    rig.look()
    assert rig.states == ["success", "inactive", "success"]


def test_what_was_superseded_before_it_began_is_not_listed(rig: Rig) -> None:
    rig.push(State.SUPERSEDED)
    rig.look()
    assert rig.hub.deployments == {}


def test_what_github_has_as_queued_ends_when_it_is_superseded(rig: Rig) -> None:
    row = rig.push()
    rig.look()
    rig.advance(row, State.SUPERSEDED)
    rig.look()
    assert rig.states == ["queued", "inactive"]
    assert [each["conclusion"] for each in rig.hub.checks.values()] == ["neutral"]


def test_github_being_down_delays_reports_and_keeps_their_order(rig: Rig) -> None:
    rig.hub.is_down = True
    row = rig.push(State.FETCHING)
    rig.look()
    rig.advance(row, State.BUILDING, State.STARTING, State.LIVE)
    rig.look()
    rig.hub.is_down = False
    rig.look()
    rig.look()
    assert rig.states == ["success"]


@pytest.mark.parametrize("lost", [MAKE, MAKE_CHECK])
def test_an_answer_that_is_lost_makes_nothing_twice(rig: Rig, lost: str) -> None:
    rig.push(*TO_STARTING, State.LIVE)
    rig.hub.loses_answer_to = lost
    for _ in range(3):
        rig.look()
    assert rig.hub.loses_answer_to == ""
    assert (len(rig.hub.deployments), len(rig.hub.checks), rig.states[-1]) == (1, 1, "success")


def test_after_a_restart_the_same_deployment_and_check_go_on(rig: Rig) -> None:
    row = rig.push(State.FETCHING)
    rig.look()
    rig.restart()
    rig.advance(row, State.BUILDING, State.STARTING, State.LIVE)
    rig.look()
    assert (len(rig.hub.deployments), len(rig.hub.checks)) == (1, 1)


def test_without_an_installation_there_are_commit_statuses_as_ever(rig: Rig) -> None:
    app = rig.add_app("blog", f"{rig.hub.url}/acme/blog.git")
    rig.push(*TO_STARTING, State.LIVE, app=app)
    rig.look()
    assert (rig.forge.states, rig.hub.deployments) == (["success"], {})


def test_a_configuration_change_is_listed_once_it_serves(rig: Rig) -> None:
    row = rig.push(*TO_STARTING, State.LIVE)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        changed = intents.reconfigure(session, session.get_one(App, rig.app.id), actor="a test", what="A=1")
    assert changed is not None
    rig.advance(changed, State.STARTING)
    rig.look()
    assert len(rig.hub.deployments) == 1
    rig.advance(row, State.RETIRED)
    rig.advance(changed, State.LIVE)
    rig.look()
    first, second = rig.hub.deployments
    assert rig.hub.statuses[-2:] == [(first, "inactive"), (second, "success")]
    assert len(rig.hub.checks) == 1


def test_a_repository_that_the_installation_lost_is_given_up_without_asking_again_and_again(rig: Rig) -> None:
    row = rig.push(*TO_STARTING, State.LIVE)
    rig.look()
    rig.hub.installations[55].is_suspended = True
    rig.restart()
    rig.advance(row, State.RETIRED)
    rig.look()
    asked = len(rig.hub.requests)
    rig.look()
    assert len(rig.hub.requests) == asked
