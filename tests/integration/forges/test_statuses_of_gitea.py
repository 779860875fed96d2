"""A deployment's states are shown beside its commit at a real Gitea, with a link to a page that is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from builder.agent.reporting import Reporting, StatusSender
from slipway.adapters.git.commit_status import CommitStatuses
from slipway.core.deployment.states import State
from slipway.domain import intents, lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import App, Deployment
from slipway.settings import ForgeToken
from tests.fixtures.api import Caller
from tests.fixtures.console import Browser
from tests.fixtures.services.inline import Inline
from tests.integration.forges.conftest import Hosted, Installation


@pytest.fixture
def deployment(hosted: Hosted, installation: Installation) -> Deployment:
    pushed = intents.Pushed("refs/heads/main", hosted.push("First", a__txt="a"))
    with installation.api.services.db.write(tenant_id=installation.tenant_id) as session:
        app = session.get_one(App, installation.app_id)
        return intents.push(session, app, pushed, idempotency_key="one", actor="a test")


@contextmanager
def changed(installation: Installation, deployment: Deployment) -> Iterator[Deployment]:
    with installation.api.services.db.write(tenant_id=installation.tenant_id) as session:
        yield session.get_one(Deployment, deployment.id)


def reporting(installation: Installation, *forges: ForgeToken) -> Reporting:
    """The agent's, which sends inside `look`."""
    services = installation.api.services
    sender = StatusSender(CommitStatuses(forges), services.settings.public_url)
    return Reporting(services.db, services.log, sender, executor=Inline())


def shown(hosted: Hosted, deployment: Deployment) -> list[tuple[str, str]]:
    """The newest first."""
    return [(each["status"], each["description"]) for each in hosted.gitea.statuses(hosted.name, deployment.commit_sha)]


def test_each_state_is_shown_and_leads_to_the_deployments_page(
    hosted: Hosted, installation: Installation, deployment: Deployment, owner: Caller
) -> None:
    reports = reporting(installation, ForgeToken("gitea", hosted.gitea.url, hosted.gitea.token))
    with changed(installation, deployment) as row:
        lifecycle.advance(row, State.FETCHING)
    reports.look()
    assert shown(hosted, deployment) == [("pending", "shop is being deployed")]
    for state in (State.BUILDING, State.STARTING, State.LIVE):
        with changed(installation, deployment) as row:
            lifecycle.advance(row, state)
    reports.look()
    assert shown(hosted, deployment)[0] == ("success", "shop is live")
    [newest, *_] = hosted.gitea.statuses(hosted.name, deployment.commit_sha)
    assert newest["context"] == "slipway/acme/shop"
    path = urlsplit(newest["target_url"]).path
    assert path == f"/deployments/{deployment.id}"
    assert "shop" in Browser(installation.api, owner.token).get(path).text


def test_a_failure_is_shown_with_its_cause(hosted: Hosted, installation: Installation, deployment: Deployment) -> None:
    with changed(installation, deployment) as row:
        lifecycle.advance(row, State.FETCHING)
        lifecycle.fail(row, DeploymentFailed("build-failed", "step 3 exited with 1"))
    reporting(installation, ForgeToken("forgejo", hosted.gitea.url, hosted.gitea.token)).look()
    assert shown(hosted, deployment) == [("failure", "shop failed: step 3 exited with 1")]


def test_a_token_that_is_refused_ends_nothing(
    hosted: Hosted, installation: Installation, deployment: Deployment
) -> None:
    with changed(installation, deployment) as row:
        for state in (State.FETCHING, State.BUILDING, State.STARTING, State.LIVE):
            lifecycle.advance(row, state)
    reporting(installation, ForgeToken("gitea", hosted.gitea.url, "revoked")).look()
    assert shown(hosted, deployment) == []
    assert [(each.state, each.reported_state) for each in installation.deployments()] == [("live", "live")]
