"""Pushes from other forges than GitHub: at the same address, authenticated and read each in its own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.fixtures import forge_deliveries as made
from tests.fixtures.forge_deliveries import AFTER, FORM, MESSAGE, PERSON, Sent
from tests.fixtures.rows import SECRET
from tests.integration.webhook.sender import Hooked, TestClientSender, problem

Make = Callable[..., Hooked]
SENDERS: Mapping[str, tuple[Callable[..., Sent], dict[str, Any]]] = {
    "Forgejo": (made.forgejo, made.gitea_push("acme/hello")),
    "Gitea": (made.gitea, made.gitea_push("acme/hello")),
    "Gogs": (made.gogs, made.gitea_push("acme/hello")),
    "GitLab": (made.gitlab, made.gitlab_push("acme/hello")),
    "Bitbucket Cloud": (made.bitbucket, made.bitbucket_push("acme/hello")),
    "Bitbucket Data Center": (made.data_center, made.data_center_push("acme/hello")),
}
NAMES = pytest.mark.parametrize("name", SENDERS)


def deliver(sender: TestClientSender, hook_id: str, sent: Sent) -> TestResponse:
    path = f"/webhooks/github/{hook_id}"
    return sender.app.test_client().post(path, data=sent.body, headers=dict(sent.headers))


@NAMES
def test_a_push_of_any_forge_is_deployed(sender: TestClientSender, hooked: Make, name: str) -> None:
    acme = hooked()
    send, payload = SENDERS[name]
    answer = deliver(sender, acme.hook_id, send(SECRET, payload))
    assert answer.status_code == 202, answer.data
    [deployment] = acme.deployments()
    assert (deployment.ref, deployment.commit_sha) == ("refs/heads/main", AFTER)
    assert (deployment.message.strip(), deployment.pushed_by) == (MESSAGE, PERSON)
    [delivery] = acme.deliveries()
    assert (delivery.outcome, delivery.ref, delivery.commit_sha) == ("deployed", "refs/heads/main", AFTER)


@NAMES
def test_a_stranger_gets_githubs_answer(sender: TestClientSender, hooked: Make, name: str) -> None:
    acme = hooked()
    send, payload = SENDERS[name]
    answer = deliver(sender, acme.hook_id, send("guessed", payload))
    assert (answer.status_code, answer.data) == (401, sender.send("A" * 43).data)
    assert acme.deliveries() == []


@NAMES
def test_the_same_delivery_again_deploys_nothing_twice(sender: TestClientSender, hooked: Make, name: str) -> None:
    acme = hooked()
    send, payload = SENDERS[name]
    sent = send(SECRET, payload)
    assert [deliver(sender, acme.hook_id, sent).status_code for _ in range(2)] == [202, 202]
    assert len(acme.deployments()) == 1


@pytest.mark.parametrize("name", ["Forgejo", "Gitea", "Gogs"])
def test_a_form_whose_json_is_signed_is_deployed(sender: TestClientSender, hooked: Make, name: str) -> None:
    acme = hooked()
    send, payload = SENDERS[name]
    assert deliver(sender, acme.hook_id, send(SECRET, payload, content_type=FORM)).status_code == 202
    assert [each.commit_sha for each in acme.deployments()] == [AFTER]


def test_a_push_of_several_branches_deploys_each_branchs_apps(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app="live")
    acme.add_app("staging", branch="develop")
    other = "3" * 40
    changes = [
        made.bitbucket_change(),
        made.bitbucket_change("develop", after=other),
        made.bitbucket_change("v1", "tag"),
    ]
    answer = deliver(sender, acme.hook_id, made.bitbucket(SECRET, made.bitbucket_push("acme/hello", *changes)))
    assert answer.json is not None
    assert answer.json["message"] == "2222222 is being deployed: live; 3333333 is being deployed: staging"
    assert [(each.app_id, each.commit_sha) for each in acme.deployments()] == [
        (acme.apps["live"].id, AFTER),
        (acme.apps["staging"].id, other),
    ]
    [delivery] = acme.deliveries()
    assert delivery.reason == (
        "staging deploys develop, the push is to main; live deploys main, the push is to develop; "
        "v1 is a tag; only branches are deployed"
    )


def test_a_push_of_nothing_is_recorded(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    payload = made.bitbucket_push("acme/hello") | {"push": {"changes": []}}
    answer = deliver(sender, acme.hook_id, made.bitbucket(SECRET, payload))
    assert (answer.status_code, acme.deliveries()[0].reason) == (200, "the push is of no branch")


def test_a_push_of_very_many_branches_has_a_reason_of_a_readable_length(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    changes = [made.bitbucket_change(f"branch-{number}") for number in range(300)]
    answer = deliver(sender, acme.hook_id, made.bitbucket(SECRET, made.bitbucket_push("acme/hello", *changes)))
    assert answer.status_code == 200
    assert len(acme.deliveries()[0].reason) < 2100


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (made.gitlab(SECRET, {}, event="Issue Hook"), "Issue Hook events deploy nothing; Push Hook does"),
        (made.bitbucket(SECRET, {}, event="repo:fork"), "repo:fork events deploy nothing; repo:push does"),
        (made.data_center(SECRET, {"test": True}, event="diagnostics:ping"), "pong"),
        (made.gitea(SECRET, {}, event="create"), "create events deploy nothing; push does"),
    ],
)
def test_other_events_deploy_nothing(sender: TestClientSender, hooked: Make, sent: Sent, says: str) -> None:
    acme = hooked()
    answer = deliver(sender, acme.hook_id, sent)
    assert answer.json is not None
    assert (answer.status_code, answer.json["message"]) == (200, says)
    assert [each.outcome for each in acme.deliveries()] == ["ignored"]


def test_an_event_that_is_malformed_is_refused_by_the_forges_own_header(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    answer = deliver(sender, acme.hook_id, made.gitlab(SECRET, {}, event="push_hook!"))
    assert answer.status_code == 422
    assert "X-Gitlab-Event" in problem(answer)["detail"]


def test_a_data_center_repository_is_known_below_its_scm_path(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(repository="https://bitbucket.example/scm/acme/hello.git")
    sent = made.data_center(SECRET, made.data_center_push("acme/hello"))
    assert deliver(sender, acme.hook_id, sent).status_code == 202


def test_a_gitlab_project_may_lie_in_subgroups(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(repository="https://gitlab.example/acme/team/hello.git")
    sent = made.gitlab(SECRET, made.gitlab_push("acme/team/hello"))
    assert deliver(sender, acme.hook_id, sent).status_code == 202
