"""A push becomes one deployment for each app that it concerns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select

from slipway.db import Database
from slipway.demo.forge import payloads
from slipway.models import App, AuditRecord
from tests.integration.webhook.sender import AFTER, BASE, Hooked, TestClientSender, push

Make = Callable[..., Hooked]


def queued(redis_url: str) -> list[str]:
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        return [str(each) for each in redis.lrange("rq:queue:builds", 0, -1)]


def test_a_push_makes_a_deployment_of_its_exact_commit(sender: TestClientSender, hooked: Make, redis_url: str) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, delivery_id="d-1")
    assert answer.status_code == 202
    (deployment,) = acme.deployments()
    assert answer.json == {
        "message": "2222222 is being deployed: hello",
        "delivery": "d-1",
        "deployments": [
            {"id": deployment.id, "app": "hello", "url": f"https://slipway.example/deployments/{deployment.id}"}
        ],
    }
    assert (deployment.kind, deployment.ref, deployment.commit_sha) == ("push", "refs/heads/main", AFTER)
    assert (deployment.message, deployment.pushed_by) == ("Fix the cart total", "octocat")
    assert (deployment.state, deployment.actor) == ("queued", f"hook:{acme.hook_id}")
    assert queued(redis_url) == [f"deployment-{deployment.id}-0"]


def test_a_push_is_recorded_with_what_came_of_it(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    sender.send(acme.hook_id, delivery_id="d-1")
    (delivery,) = acme.deliveries()
    (deployment,) = acme.deployments()
    assert (delivery.delivery_id, delivery.event, delivery.outcome) == ("d-1", "push", "deployed")
    assert (delivery.ref, delivery.commit_sha, delivery.reason) == ("refs/heads/main", AFTER, "")
    assert deployment.delivery_row == delivery.id


def test_the_same_body_is_known_again_under_another_number(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    for number, after in (("d-1", AFTER), ("d-2", AFTER), ("d-3", "c" * 40)):
        sender.send(acme.hook_id, push(after=after), delivery_id=number)
    first, again, other = (each.body_digest for each in acme.deliveries())
    assert first == again != other
    assert len(first) == 64


def test_the_head_that_polling_compares_with_is_moved_by_no_delivery(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    sender.send(acme.hook_id)
    assert acme.app().head is None


def test_a_push_is_in_the_audit_log(sender: TestClientSender, hooked: Make, database: Database) -> None:
    acme = hooked()
    origin = {"X-Request-Id": "0123456789abcdef", "X-Forwarded-For": "203.0.113.9"}
    sender.send(acme.hook_id, delivery_id="d-1", headers=origin)
    with database.read(platform="a test looks") as session:
        record = session.scalars(select(AuditRecord)).one()
    assert (record.tenant_id, record.actor) == (acme.tenant_id, f"hook:{acme.hook_id}")
    assert (record.action, record.subject) == ("deployment.create", "hello")
    assert (record.address, record.request_id) == ("203.0.113.9", "0123456789abcdef")
    assert record.detail == {"deployment": acme.deployments()[0].id, "delivery": "d-1", "commit": AFTER}


def test_two_apps_on_one_repository_both_deploy(sender: TestClientSender, hooked: Make, redis_url: str) -> None:
    acme = hooked(app="api")
    acme.add_app("web")
    answer = sender.send(acme.hook_id)
    assert answer.json is not None
    assert [made["app"] for made in answer.json["deployments"]] == ["api", "web"]
    assert len(acme.deployments()) == len(queued(redis_url)) == 2


def test_only_the_apps_of_the_pushed_branch_deploy(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app="live")
    acme.add_app("staging", branch="develop")
    answer = sender.send(acme.hook_id)
    assert answer.json is not None
    assert [made["app"] for made in answer.json["deployments"]] == ["live"]
    assert acme.deliveries()[0].reason == "staging deploys develop, the push is to main"


def test_a_hook_deploys_no_other_tenants_app(sender: TestClientSender, hooked: Make) -> None:
    acme, other = hooked(), hooked()
    assert sender.send(acme.hook_id).status_code == 202
    assert (len(acme.deployments()), len(other.deployments())) == (1, 0)


def test_a_hook_deploys_no_app_of_another_repository(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app="hello")
    acme.add_app("other", repository="https://github.example/acme/other.git")
    acme.add_app("elsewhere", repository="https://gitlab.example/acme/hello.git")
    sender.send(acme.hook_id)
    assert [each.app_id for each in acme.deployments()] == [acme.apps["hello"].id]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (push("refs/heads/feature/main"), "hello deploys main, the push is to feature/main"),
        (push("refs/tags/v1"), "v1 is a tag; only branches are deployed"),
        (push(after="0" * 40), "main was deleted"),
        (push(after="0" * 40, deleted=None), "main was deleted"),
        (push(repository="acme/other"), "this hook is for acme/hello, the push is of acme/other"),
    ],
    ids=["branch", "tag", "deletion", "null id", "repository"],
)
def test_what_deploys_nothing_is_answered_with_the_reason_and_recorded(
    sender: TestClientSender, hooked: Make, payload: dict[str, Any], reason: str
) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, payload, delivery_id="d-1")
    assert answer.status_code == 200
    assert answer.json == {"message": reason, "delivery": "d-1", "deployments": []}
    (delivery,) = acme.deliveries()
    assert (delivery.outcome, delivery.reason) == ("ignored", reason)
    assert acme.deployments() == []


def test_a_hook_without_an_app_says_how_to_make_one(sender: TestClientSender, hooked: Make) -> None:
    answer = sender.send(hooked(app=None).hook_id)
    assert (answer.status_code, answer.json["message"]) == (  # type: ignore[index]
        200,
        "no app deploys acme/hello; make one: slipway apps create",
    )


def test_a_hook_whose_address_no_app_has_names_the_app_of_the_other_address(
    sender: TestClientSender, hooked: Make
) -> None:
    acme = hooked(app=None)
    acme.add_app("shop", repository="ssh://git@git.example/acme/hello.git")
    assert sender.send(acme.hook_id).status_code == 200
    [delivery] = acme.deliveries()
    assert delivery.reason == (
        "shop deploys git.example/acme/hello, and this hook is for github.example/acme/hello: give both the same "
        "address, slipway apps set -a shop repository=…"
    )


@pytest.mark.parametrize("repository", ["Acme/Hello", "ACME/HELLO"])
def test_a_repositorys_case_does_not_matter(sender: TestClientSender, hooked: Make, repository: str) -> None:
    acme = hooked(repository="https://GitHub.example/ACME/hello.git")
    assert sender.send(acme.hook_id, push(repository=repository)).status_code == 202


def test_a_sender_on_any_host_and_port_is_understood(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(repository="http://127.0.0.1:3000/acme/hello.git")
    body = {"ref": "refs/heads/main", "after": AFTER, "repository": {"full_name": "acme/hello"}}
    assert sender.send(acme.hook_id, body).status_code == 202


def test_an_app_made_from_an_image_or_being_deleted_is_not_deployed(
    sender: TestClientSender, hooked: Make, database: Database
) -> None:
    acme = hooked(app="gone")
    acme.add_app("image", source="image")
    with database.write(tenant_id=acme.tenant_id) as session:
        app = session.get_one(App, acme.apps["gone"].id)
        app.deleted_at = app.created_at
    assert sender.send(acme.hook_id).status_code == 200


@pytest.mark.parametrize(
    "payload",
    [
        push(files=("docs/a.md",)),
        push(files=("docs/a.md",), forced=True),
        push(files=("docs/a.md",), before="0" * 40),
        push(commits=[]),
        push(commits=[payloads.commit(f"{n:040x}", added=["docs/a"]) for n in range(2048)]),
    ],
    ids=["beside", "forced", "new branch", "no commits", "cut"],
)
def test_with_paths_it_is_for_the_worker_to_say_whether_a_push_changes_anything(
    sender: TestClientSender, hooked: Make, payload: dict[str, Any]
) -> None:
    acme = hooked(settings={"paths": ["src/**"]})
    assert sender.send(acme.hook_id, payload).status_code == 202
    assert [each.commit_sha for each in acme.deployments()] == [AFTER]


def test_a_ping_is_a_pong_and_recorded(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    ping = {"zen": "Anything added dilutes everything else.", "repository": payloads.repository(BASE, "acme/hello")}
    answer = sender.send(acme.hook_id, ping, event="ping")
    assert (answer.status_code, answer.json["message"]) == (200, "pong")  # type: ignore[index]
    assert [(each.event, each.outcome, each.reason) for each in acme.deliveries()] == [("ping", "ignored", "pong")]


def test_a_ping_of_an_organisations_webhook_is_a_pong(sender: TestClientSender, hooked: Make) -> None:
    answer = sender.send(hooked().hook_id, {"zen": "x", "organization": {}}, event="ping")
    assert (answer.status_code, answer.json["message"]) == (200, "pong")  # type: ignore[index]


def test_a_ping_of_another_repository_says_so(sender: TestClientSender, hooked: Make) -> None:
    answer = sender.send(hooked().hook_id, {"repository": {"full_name": "acme/other"}}, event="ping")
    assert answer.json["message"] == "pong; but this hook is for acme/hello, not for acme/other"  # type: ignore[index]


@pytest.mark.parametrize("event", ["issues", "release", "check_run"])
def test_other_events_are_ignored_with_the_reason(sender: TestClientSender, hooked: Make, event: str) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, {"action": "opened"}, event=event)
    assert answer.status_code == 200
    assert answer.json["message"] == f"{event} events deploy nothing; push does"  # type: ignore[index]
    assert [(each.event, each.outcome) for each in acme.deliveries()] == [(event, "ignored")]


def test_the_form_content_type_deploys_as_well(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    assert sender.send(acme.hook_id, content_type="form").status_code == 202


@pytest.mark.parametrize("content_type", ["json", "form"])
@pytest.mark.parametrize("branch", ["größe/☃", "feature/a+b&payload=c%2Fd;#é", "feature/main"])
def test_a_branch_of_any_name_is_deployed_and_kept_as_it_is(
    sender: TestClientSender, hooked: Make, branch: str, content_type: str
) -> None:
    acme = hooked(branch=branch)
    answer = sender.send(acme.hook_id, push(f"refs/heads/{branch}"), content_type=content_type)
    assert answer.status_code == 202
    assert [each.ref for each in acme.deployments()] == [f"refs/heads/{branch}"]
    assert [each.ref for each in acme.deliveries()] == [f"refs/heads/{branch}"]


def test_a_push_whose_commits_are_cut_deploys_the_commit_that_it_names(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    listed = [payloads.commit(f"{number:040x}") for number in range(1, payloads.MAX_COMMITS + 1)]
    assert sender.send(acme.hook_id, push(commits=listed, head_commit=None)).status_code == 202
    assert [each.commit_sha for each in acme.deployments()] == [AFTER]
