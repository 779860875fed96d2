"""Deliveries of the GitHub App, made of GitHub's published examples: which tenant they are for, and what they do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from slipway import settings
from slipway.adapters.vault import HOOKS, VALUES, Vault, create_key_file
from slipway.core.deployment.states import State
from slipway.core.github.registration import Registration
from slipway.core.push.signatures import sign
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.domain.audit import Actor
from slipway.domain.github import app as github_app
from slipway.domain.github import installations
from slipway.models import App, Deployment, GitHubInstallation, GitHubReport, Hook
from tests.building_fakes import FakeQueue
from tests.fixtures.github import description
from tests.fixtures.rows import add_app, add_tenant
from webhook.app import create_app

SECRET = "the App's secret"
REPOSITORY = "acme/shop"
SHA = "a" * 40
MINE, FOREIGN = 55, 66


class Rig:
    def __init__(self, url: str, folder: Path) -> None:
        chosen = settings.load({"SLIPWAY_STATE_DIR": str(folder), "SLIPWAY_DATABASE_URL": url})
        chosen.key_dir.mkdir()
        for name in (HOOKS, VALUES):
            create_key_file(chosen.key_dir / name)
        self.db, self.queue = Database(url), FakeQueue()
        self.hooks = Vault(chosen.key_dir / HOOKS)
        self.values = Vault(chosen.key_dir / VALUES)
        self.acme, self.globex = add_tenant(self.db, "acme"), add_tenant(self.db, "globex")
        self.client = create_app(chosen, self.db, cast(Any, self.queue)).test_client()

    def register(self) -> None:
        made = Registration(4711, "https://api.github.com", "slipway", "Iv1", "client", "pem")
        github_app.keep(self.db, self.values, self.hooks, made, SECRET)

    def connect(self, tenant_id: int, number: int, account: str = "acme") -> None:
        with self.db.write(tenant_id=tenant_id) as session:
            installations.connect(
                session, tenant_id, Actor("a test"), number=number, account=account, selection="all", login="ann"
            )

    def add_app(self, tenant_id: int, name: str = "shop") -> App:
        return add_app(self.db, tenant_id, name, repository=f"https://github.com/{REPOSITORY}.git")

    def send(self, event: str, payload: Any, *, secret: str = SECRET, delivery_id: str = "") -> TestResponse:
        body = json.dumps(payload).encode()
        headers = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery_id or str(uuid.uuid4()),
            "X-Hub-Signature-256": sign(secret, body),
            "Content-Type": "application/json",
        }
        return self.client.post("/webhooks/github-app", data=body, headers=headers)

    def push(self, number: int = MINE, **how: Any) -> TestResponse:
        return self.send("push", pushed(number), **how)

    def deployments(self, tenant_id: int) -> list[str]:
        with self.db.read(tenant_id=tenant_id) as session:
            return list(session.scalars(select(Deployment.commit_sha).order_by(Deployment.id)))

    def state_of(self, number: int) -> str:
        with self.db.read(platform="a test") as session:
            return session.get_one(GitHubInstallation, number).state


def pushed(number: int) -> dict[str, Any]:
    _event, example = description.event("push")
    repository = example["repository"] | {"full_name": REPOSITORY}
    commit = {"id": SHA, "message": "Fix the cart total"}
    return example | {
        "ref": "refs/heads/main",
        "after": SHA,
        "deleted": False,
        "repository": repository,
        "head_commit": commit,
        "installation": {"id": number},
    }


def changed(name: str, number: int = MINE, account: str = "acme") -> tuple[str, dict[str, Any]]:
    event, example = description.event(name)
    of_account = example["installation"]["account"] | {"login": account}
    return event, example | {"installation": example["installation"] | {"id": number, "account": of_account}}


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(sqlite_url, tmp_path)
    made.register()
    yield made
    made.db.dispose()


def test_a_push_deploys_the_apps_of_the_tenant_that_connected_the_installation(rig: Rig) -> None:
    rig.connect(rig.acme, MINE)
    rig.add_app(rig.acme)
    rig.add_app(rig.globex)
    answer = rig.push()
    assert (answer.status_code, rig.deployments(rig.acme), rig.deployments(rig.globex)) == (202, [SHA], [])
    assert [each for each, _attempt in rig.queue.enqueued] == [answer.json["deployments"][0]["id"]]  # type: ignore[index]


def test_another_tenants_installation_deploys_nothing_here(rig: Rig) -> None:
    rig.connect(rig.globex, FOREIGN, "globex")
    rig.add_app(rig.acme)
    assert rig.push(FOREIGN).status_code == 200
    assert rig.push(MINE).status_code == 200
    assert rig.deployments(rig.acme) == []


def test_the_signature_is_looked_at_before_anything_else(rig: Rig) -> None:
    rig.connect(rig.acme, MINE)
    rig.add_app(rig.acme)
    answers = [rig.push(secret="another"), rig.send("push", "no object", secret="another")]
    assert [each.status_code for each in answers] == [401, 401]
    assert rig.deployments(rig.acme) == []


def test_without_an_app_nobody_may_deliver(sqlite_url: str, tmp_path: Path) -> None:
    rig = Rig(sqlite_url, tmp_path)
    assert [rig.push(secret=each).status_code for each in ("", SECRET)] == [401, 401]
    rig.db.dispose()


def test_the_same_delivery_deploys_once(rig: Rig) -> None:
    rig.connect(rig.acme, MINE)
    rig.add_app(rig.acme)
    first, second = (rig.push(delivery_id="one") for _ in range(2))
    assert first.json["deployments"] == second.json["deployments"]  # type: ignore[index]
    assert rig.deployments(rig.acme) == [SHA]


def test_a_repository_without_an_app_leaves_no_trace(rig: Rig) -> None:
    rig.connect(rig.acme, MINE)
    answer = rig.push()
    assert (answer.status_code, answer.json["message"]) == (  # type: ignore[index]
        200,
        "no app deploys acme/shop; make one: slipway apps create",
    )
    with rig.db.read(tenant_id=rig.acme) as session:
        assert session.scalars(select(Hook)).all() == []


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("installation-suspend", "suspended"),
        ("installation-unsuspend", "active"),
        ("installation-deleted", "removed"),
        ("installation-repositories-removed", "active"),
    ],
)
def test_an_installations_events_are_followed(rig: Rig, event: str, state: str) -> None:
    rig.connect(rig.acme, MINE)
    assert rig.send(*changed(event)).status_code == 200
    assert rig.state_of(MINE) == state


def test_what_was_removed_stays_so_whatever_comes_late(rig: Rig) -> None:
    rig.connect(rig.acme, MINE)
    for event in ("installation-deleted", "installation-unsuspend"):
        rig.send(*changed(event))
    assert rig.state_of(MINE) == "removed"


def test_an_installation_that_nobody_connected_changes_nothing(rig: Rig) -> None:
    answer = rig.send(*changed("installation-created", 77))
    assert (answer.status_code, "no tenant" in answer.json["message"]) == (200, True)  # type: ignore[index]


def reported(rig: Rig, app: App, state: State = State.FAILED) -> Deployment:
    """A deployment that ended, of which GitHub has a check."""
    with rig.db.write(tenant_id=app.tenant_id) as session:
        found = session.get_one(App, app.id)
        key = f"test:{found.next_sequence}"
        row = intents.push(session, found, intents.Pushed("refs/heads/main", SHA), idempotency_key=key, actor="a test")
        lifecycle.advance(row, state)
        session.add(GitHubReport(tenant_id=app.tenant_id, deployment_id=row.id, repository=REPOSITORY, check_run_id=1))
        return row


def rerun(event: str, row: Deployment | None = None, number: int = MINE) -> tuple[str, dict[str, Any]]:
    name, example = description.event(event)
    changes = {"head_sha": SHA, "external_id": f"slipway-{row.id if row else 0}"}
    of = example[name] | changes
    repository = example["repository"] | {"full_name": REPOSITORY}
    return name, example | {name: of, "repository": repository, "installation": {"id": number}}


@pytest.mark.parametrize("event", ["check-run-rerequested", "check-suite-rerequested"])
def test_a_check_that_is_wanted_anew_is_deployed_again(rig: Rig, event: str) -> None:
    rig.connect(rig.acme, MINE)
    row = reported(rig, rig.add_app(rig.acme))
    answer = rig.send(*rerun(event, row))
    assert (answer.status_code, rig.deployments(rig.acme)) == (202, [SHA, SHA])
    assert answer.json["message"] == "shop is deployed again"  # type: ignore[index]


def test_a_check_of_an_older_deployment_deploys_nothing(rig: Rig) -> None:
    rig.connect(rig.acme, MINE)
    app = rig.add_app(rig.acme)
    older, _newer = reported(rig, app), reported(rig, app)
    assert rig.send(*rerun("check-run-rerequested", older)).status_code == 200
    assert len(rig.deployments(rig.acme)) == 2


def test_another_tenant_can_want_no_check_anew(rig: Rig) -> None:
    rig.connect(rig.globex, FOREIGN, "globex")
    row = reported(rig, rig.add_app(rig.acme))
    assert rig.send(*rerun("check-run-rerequested", row, FOREIGN)).status_code == 200
    assert rig.deployments(rig.acme) == [SHA]


@pytest.mark.parametrize("payload", [[], {}, {"installation": {"id": True}}, {"installation": {"id": 1 << 70}}])
def test_a_delivery_that_names_no_installation_is_refused(rig: Rig, payload: Any) -> None:
    assert rig.send("push", payload).status_code == 422
