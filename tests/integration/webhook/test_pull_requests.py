"""Events of pull requests are written down for the apps of their repository, once and in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from slipway.models import Preview
from tests.fixtures import forge_deliveries as made
from tests.fixtures.forge_deliveries import AFTER, BEFORE, MESSAGE, PERSON, Sent
from tests.fixtures.rows import SECRET
from tests.integration.webhook.sender import Hooked, TestClientSender

Make = Callable[..., Hooked]
SENDERS: Mapping[str, Callable[..., Sent]] = {
    "Forgejo": lambda: made.forgejo(SECRET, made.github_pull("acme/hello"), event="pull_request"),
    "Gitea": lambda: made.gitea(SECRET, made.github_pull("acme/hello"), event="pull_request"),
    "Gogs": lambda: made.gogs(SECRET, made.github_pull("acme/hello"), event="pull_request"),
    "GitLab": lambda: made.gitlab(SECRET, made.gitlab_pull("acme/hello"), event="Merge Request Hook"),
    "Bitbucket Data Center": lambda: made.data_center(SECRET, made.data_center_pull("acme/hello"), event="pr:opened"),
}


def deliver(sender: TestClientSender, hook_id: str, sent: Sent) -> TestResponse:
    path = f"/webhooks/github/{hook_id}"
    return sender.app.test_client().post(path, data=sent.body, headers=dict(sent.headers))


def github(sender: TestClientSender, acme: Hooked, **how: Any) -> str:
    """The answer's message."""
    payload = made.github_pull(how.pop("repository", "acme/hello"), **how)
    answer = sender.send(acme.hook_id, payload, event="pull_request")
    assert answer.status_code == 200, answer.data
    return str(answer.json["message"])  # type: ignore[index]


def previews(acme: Hooked) -> list[Preview]:
    with acme.database.read(tenant_id=acme.tenant_id) as session:
        return list(session.scalars(select(Preview).order_by(Preview.id)))


@pytest.fixture
def acme(hooked: Make) -> Hooked:
    return hooked(settings={"previews": True})


@pytest.mark.parametrize("name", SENDERS)
def test_each_forges_event_is_written_down(sender: TestClientSender, acme: Hooked, name: str) -> None:
    answer = deliver(sender, acme.hook_id, SENDERS[name]())
    assert answer.status_code == 200, answer.data
    [row] = previews(acme)
    assert (row.number, row.head, row.branch, row.is_open, row.is_fork) == (12, AFTER, "cart", True, False)
    assert (row.title, row.author) == (MESSAGE, PERSON)
    [delivery] = acme.deliveries()
    assert (delivery.outcome, delivery.commit_sha) == ("previewed", AFTER)
    assert acme.deployments() == []


def test_an_answer_says_what_becomes_of_it(sender: TestClientSender, acme: Hooked) -> None:
    assert github(sender, acme) == "#12 gets a preview of hello at 2222222"
    assert github(sender, acme, number=13, fork=True) == "#13 awaits approval of a preview of hello at 2222222"
    closed = github(sender, acme, state="closed", at="2026-11-30T09:00:00Z")
    assert closed.startswith("#12 has no preview of hello")


def test_the_same_delivery_again_changes_nothing(sender: TestClientSender, acme: Hooked) -> None:
    sent = SENDERS["Gitea"]()
    assert [deliver(sender, acme.hook_id, sent).status_code for _ in range(2)] == [200, 200]
    assert (len(previews(acme)), len(acme.deliveries())) == (1, 1)


def test_an_opening_that_is_delivered_again_after_the_closing_changes_nothing(
    sender: TestClientSender, acme: Hooked
) -> None:
    opened = SENDERS["Gitea"]()
    deliver(sender, acme.hook_id, opened)
    github(sender, acme, state="closed", at="2026-11-30T09:00:00Z")
    deliver(sender, acme.hook_id, opened)
    [row] = previews(acme)
    assert not row.is_open


def test_a_closing_that_comes_first_stands(sender: TestClientSender, acme: Hooked) -> None:
    github(sender, acme, state="closed", at="2026-11-30T09:00:00Z")
    assert "something newer is known" in github(sender, acme)
    assert [row.is_open for row in previews(acme)] == [False]
    assert [each.outcome for each in acme.deliveries()] == ["previewed", "ignored"]


def test_an_event_of_another_repository_is_ignored(sender: TestClientSender, acme: Hooked) -> None:
    assert github(sender, acme, repository="eve/hello").startswith("this hook is for acme/hello")
    assert previews(acme) == []


def test_an_app_without_previews_is_left_alone(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    assert github(sender, acme) == ("hello makes no previews; if it shall: slipway apps set -a hello previews=true")
    assert (previews(acme), [each.outcome for each in acme.deliveries()]) == ([], ["ignored"])


def test_each_app_of_the_repository_is_asked(sender: TestClientSender, acme: Hooked) -> None:
    acme.add_app("docs")
    acme.add_app("next", branch="next", settings={"previews": True})
    message = github(sender, acme)
    assert "#12 gets a preview of hello" in message
    assert "docs makes no previews" in message
    assert "next deploys next, #12 is into main" in message
    assert [row.parent_id for row in previews(acme)] == [acme.apps["hello"].id]


def test_a_push_deploys_no_preview(sender: TestClientSender, acme: Hooked) -> None:
    acme.add_app("pr-12-hello", is_preview=True)
    sender.send(acme.hook_id)
    assert [each.app_id for each in acme.deployments()] == [acme.apps["hello"].id]


def test_an_event_of_another_shape_is_refused(sender: TestClientSender, acme: Hooked) -> None:
    payload = made.github_pull("acme/hello", head=BEFORE[:7])
    answer = sender.send(acme.hook_id, payload, event="pull_request")
    assert answer.status_code == 422
    assert [each.outcome for each in acme.deliveries()] == ["refused"]


def test_two_tenants_have_previews_each_of_their_own(sender: TestClientSender, hooked: Make) -> None:
    acme, globex = (hooked(settings={"previews": True}) for _ in range(2))
    github(sender, acme)
    assert (len(previews(acme)), previews(globex)) == (1, [])
