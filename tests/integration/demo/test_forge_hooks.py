"""After each push the forge tells its hooks what GitHub would tell them."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from slipway.demo.forge.forge import NULL_SHA, Forge
from tests.forge import Receiver, WorkingCopy, request

SECRET = "s3cret"


@pytest.fixture
def hooked(forge: Forge, receiver: Receiver) -> Forge:
    forge.create_repository("acme/hello", token="t0ken")
    forge.add_hook("acme/hello", receiver.url, SECRET)
    return forge


def push(forge: Forge, copy: WorkingCopy, *refs: str) -> list[dict[str, Any]]:
    """Push as `grace`, and return the payloads that this push made."""
    before = len(forge.pushes())
    copy.git("push", "--quiet", forge.push_url("acme/hello", login="grace"), *refs)
    return [delivery.payload for delivery in forge.pushes()[before:]]


def test_a_new_hook_is_greeted_with_a_ping(hooked: Forge, receiver: Receiver) -> None:
    (ping,) = hooked.settle()

    assert (ping.event, ping.status, ping.answer) == ("ping", 202, b"ok")
    assert ping.payload["hook"]["config"]["secret"] == "********"
    assert ping.payload["repository"]["full_name"] == "acme/hello"


def test_a_push_is_delivered_signed_with_githubs_headers(hooked: Forge, receiver: Receiver, copy: WorkingCopy) -> None:
    copy.commit()
    copy.git("push", "--quiet", hooked.push_url("acme/hello"), "main")
    (delivery,) = hooked.pushes()

    headers, body = receiver.bodies[-1]
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert headers["X-GitHub-Event"] == "push"
    assert headers["X-GitHub-Delivery"] == delivery.id
    assert headers["X-GitHub-Hook-ID"] == str(delivery.hook_id)
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == delivery.payload


def test_the_payload_tells_who_pushed_what(hooked: Forge, copy: WorkingCopy) -> None:
    first = copy.commit("Start", app__py="1\n", old__py="1\n")
    push(hooked, copy, "main")
    second = copy.commit("Größer\n\nUnd länger.", app__py="2\n", old__py=None, ü__py="1\n")
    third = copy.commit("Nothing")

    (payload,) = push(hooked, copy, "main")

    assert (payload["ref"], payload["before"], payload["after"]) == ("refs/heads/main", first, third)
    assert [payload[field] for field in ("created", "deleted", "forced")] == [False] * 3
    assert [commit["id"] for commit in payload["commits"]] == [second, third]
    reported = payload["commits"][0]
    assert (reported["added"], reported["removed"], reported["modified"]) == (["ü.py"], ["old.py"], ["app.py"])
    assert reported["message"] == "Größer\n\nUnd länger."
    assert reported["author"] == {"name": "Ada Löve", "email": "ada@example.org"}
    assert reported["tree_id"] == copy.git("rev-parse", f"{second}^{{tree}}")
    assert reported["distinct"]
    assert payload["head_commit"]["id"] == third
    assert payload["pusher"]["name"] == payload["sender"]["login"] == "grace"
    assert payload["repository"]["clone_url"] == hooked.clone_url("acme/hello")


def test_a_push_without_credentials_is_reported_as_the_committers(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello")
    forge.add_hook("acme/hello", "http://127.0.0.1:9/hook", "")
    copy.commit()
    copy.git("push", "--quiet", forge.clone_url("acme/hello"), "main")

    assert forge.pushes()[0].payload["pusher"] == {"name": "ada-löve", "email": "ada@example.org"}


def test_a_first_push_is_reported_as_created_with_all_its_commits(hooked: Forge, copy: WorkingCopy) -> None:
    shas = [copy.commit("one"), copy.commit("two")]

    (payload,) = push(hooked, copy, "main")

    assert payload["created"]
    assert payload["before"] == NULL_SHA
    assert payload["base_ref"] is None
    assert [commit["id"] for commit in payload["commits"]] == shas


def test_a_branch_on_a_known_commit_names_its_base_and_has_no_commits(hooked: Forge, copy: WorkingCopy) -> None:
    sha = copy.commit()
    push(hooked, copy, "main")

    (payload,) = push(hooked, copy, "main:refs/heads/feature")

    assert payload["base_ref"] == "refs/heads/main"
    assert payload["commits"] == []
    assert payload["head_commit"]["id"] == sha


def test_commits_that_another_branch_has_are_reported_but_not_distinct(hooked: Forge, copy: WorkingCopy) -> None:
    copy.commit()
    push(hooked, copy, "main")
    copy.commit("on the feature branch first")
    push(hooked, copy, "main:refs/heads/feature")

    (payload,) = push(hooked, copy, "main")

    assert [commit["distinct"] for commit in payload["commits"]] == [False]


def test_a_forced_push_is_reported_as_forced(hooked: Forge, copy: WorkingCopy) -> None:
    copy.commit("one")
    old = copy.commit("two")
    push(hooked, copy, "main")
    copy.git("reset", "--quiet", "--hard", "HEAD^")
    new = copy.commit("another two")

    (payload,) = push(hooked, copy, "+main")

    assert payload["forced"]
    assert (payload["before"], payload["after"]) == (old, new)
    assert [commit["id"] for commit in payload["commits"]] == [new]


def test_a_deleted_branch_is_reported_with_the_null_sha(hooked: Forge, copy: WorkingCopy) -> None:
    sha = copy.commit()
    push(hooked, copy, "main", "main:refs/heads/feature")

    (payload,) = push(hooked, copy, ":refs/heads/feature")

    assert payload["deleted"]
    assert (payload["before"], payload["after"]) == (sha, NULL_SHA)
    assert (payload["head_commit"], payload["commits"]) == (None, [])


def test_an_annotated_tag_is_reported_with_its_object_and_its_commit(hooked: Forge, copy: WorkingCopy) -> None:
    sha = copy.commit()
    push(hooked, copy, "main")
    copy.git("tag", "-a", "v1", "-m", "first")

    (payload,) = push(hooked, copy, "v1")

    assert (payload["ref"], payload["created"]) == ("refs/tags/v1", True)
    assert payload["after"] == copy.git("rev-parse", "v1") != sha
    assert payload["head_commit"]["id"] == sha
    assert payload["base_ref"] == "refs/heads/main"
    assert payload["commits"] == []


def test_a_tag_on_a_commit_that_no_branch_has_lists_no_commits(hooked: Forge, copy: WorkingCopy) -> None:
    sha = copy.commit()
    copy.git("tag", "v1")

    (payload,) = push(hooked, copy, "v1")

    assert (payload["after"], payload["head_commit"]["id"], payload["commits"]) == (sha, sha, [])


def test_more_than_three_tags_at_once_make_no_events(hooked: Forge, copy: WorkingCopy) -> None:
    copy.commit()
    push(hooked, copy, "main")
    for number in range(4):
        copy.git("tag", f"v{number}")

    assert push(hooked, copy, "--tags") == []


@pytest.mark.parametrize("branch", ["feature/größe/2", "release-1.0", "weird'\"$name", "日本語"])
def test_branch_names_come_through_as_they_are(hooked: Forge, copy: WorkingCopy, branch: str) -> None:
    copy.commit()

    (payload,) = push(hooked, copy, f"main:refs/heads/{branch}")

    assert payload["ref"] == f"refs/heads/{branch}"


def test_two_refs_in_one_push_are_two_deliveries(hooked: Forge, copy: WorkingCopy) -> None:
    copy.commit()

    reported = push(hooked, copy, "main", "main:refs/heads/staging")

    assert [payload["ref"] for payload in reported] == ["refs/heads/main", "refs/heads/staging"]
    assert [len(payload["commits"]) for payload in reported] == [1, 0]
    assert len({delivery.id for delivery in hooked.pushes()}) == 2


def test_a_refused_push_tells_nothing(hooked: Forge, copy: WorkingCopy) -> None:
    copy.commit("one")
    push(hooked, copy, "main")
    copy.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten")

    assert copy.run("push", hooked.push_url("acme/hello"), "main").returncode != 0
    assert len(hooked.pushes()) == 1


def test_a_redelivery_has_the_same_id_and_the_same_bytes(hooked: Forge, receiver: Receiver, copy: WorkingCopy) -> None:
    receiver.status = 503
    copy.commit()
    copy.git("push", "--quiet", hooked.push_url("acme/hello"), "main")
    (failed,) = hooked.pushes()
    assert failed.status == 503
    receiver.status = 202

    hooked.redeliver(failed.id)

    again = hooked.settle()[-1]
    assert (again.redelivery, again.status) == (True, 202)
    assert receiver.bodies[-1] == receiver.bodies[-2]
    assert again.number != failed.number


def test_a_rotated_secret_signs_the_redelivery(hooked: Forge, receiver: Receiver) -> None:
    (ping,) = hooked.settle()
    hooked.change_hook("acme/hello", ping.hook_id, secret="new")

    hooked.redeliver(ping)
    hooked.settle()

    headers, body = receiver.bodies[-1]
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(b"new", body, hashlib.sha256).hexdigest()


def test_a_receiver_that_is_down_loses_the_delivery_and_the_push_succeeds(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello")
    forge.add_hook("acme/hello", "http://127.0.0.1:9/hook", SECRET)
    copy.commit()
    copy.git("push", "--quiet", forge.clone_url("acme/hello"), "main")

    (delivery,) = forge.pushes()
    assert delivery.status is None
    assert "ConnectionRefusedError" in delivery.error


def test_a_form_hook_gets_the_payload_in_a_form(forge: Forge, receiver: Receiver, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello")
    forge.add_hook("acme/hello", receiver.url, SECRET, content_type="form")
    copy.commit()
    copy.git("push", "--quiet", forge.clone_url("acme/hello"), "main")

    (delivery,) = forge.pushes()
    headers, body = receiver.bodies[-1]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body.startswith(b"payload=")
    assert delivery.payload["ref"] == "refs/heads/main"


def test_a_hook_gets_only_the_events_it_asked_for(hooked: Forge, copy: WorkingCopy) -> None:
    assert hooked.send("acme/hello", "issues", {"action": "opened"}) == []
    assert len(hooked.send("acme/hello", "push", b"not json")) == 1


def test_a_crafted_payload_looks_like_a_pushed_one(hooked: Forge, copy: WorkingCopy) -> None:
    copy.commit("one")
    push(hooked, copy, "main")
    copy.commit("two")
    (pushed,) = push(hooked, copy, "main")

    crafted = hooked.push_payload("acme/hello", login="grace")
    made_up = hooked.push_payload("acme/hello", after="c" * 40, before="d" * 40, ref="refs/heads/x", forced=True)

    assert crafted == pushed
    assert made_up.keys() == pushed.keys()
    assert (made_up["after"], made_up["head_commit"]["id"], made_up["forced"]) == ("c" * 40, "c" * 40, True)


def call(forge: Forge, method: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    status, answer = request(method, forge.base_url + path, data, {"Authorization": f"Bearer {token}"})
    return status, json.loads(answer or b"null")


def test_a_commit_status_is_kept(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello", token="t0ken")
    sha = copy.commit()
    copy.git("push", "--quiet", forge.push_url("acme/hello"), "main")
    body = {"state": "success", "target_url": "http://slipway.example/d/1", "context": "slipway/hello"}
    path = f"/repos/acme/hello/statuses/{sha}"

    status, answer = call(forge, "POST", path, "t0ken", body)

    assert (status, answer["state"], answer["context"]) == (201, "success", "slipway/hello")
    assert [kept["target_url"] for kept in forge.statuses("acme/hello", sha)] == ["http://slipway.example/d/1"]
    assert call(forge, "GET", f"/repos/acme/hello/commits/{sha}/statuses", "t0ken")[1] == [answer]
    assert call(forge, "POST", path, "wrong", body)[0] == 401
    assert call(forge, "POST", path, "t0ken", body | {"state": "done"})[0] == 422
    assert call(forge, "POST", path, "t0ken", body | {"description": "x" * 141})[0] == 422
    assert call(forge, "POST", f"/repos/acme/hello/statuses/{'e' * 40}", "t0ken", body)[0] == 422


def test_the_rest_api_makes_repositories_and_hooks_for_its_administrator(
    forge: Forge, receiver: Receiver, copy: WorkingCopy
) -> None:
    hook = {"config": {"url": receiver.url, "secret": SECRET, "content_type": "json"}}
    assert call(forge, "POST", "/orgs/acme/repos", "wrong", {"name": "api"})[0] == 401
    assert call(forge, "POST", "/orgs/acme/repos", "admin", {"name": "api"})[0] == 201
    assert call(forge, "POST", "/orgs/acme/repos", "admin", {"name": "api"})[0] == 409
    status, made = call(forge, "POST", "/repos/acme/api/hooks", "admin", hook)
    assert status == 201
    copy.commit()
    copy.git("push", "--quiet", forge.clone_url("acme/api"), "main")
    forge.settle()

    log = f"/repos/acme/api/hooks/{made['id']}/deliveries"
    listed = call(forge, "GET", log, "admin")[1]
    assert [(entry["event"], entry["status_code"]) for entry in listed] == [("push", 202), ("ping", 202)]
    shown = call(forge, "GET", f"{log}/{listed[0]['id']}", "admin")[1]
    assert shown["request"]["payload"]["ref"] == "refs/heads/main"
    assert call(forge, "POST", f"{log}/{listed[0]['id']}/attempts", "admin")[0] == 202
    assert forge.settle()[-1].redelivery


def test_a_repositorys_name_is_checked(forge: Forge, tmp_path: Path) -> None:
    for name in ("../x", "a b", ".git", "x.git", ""):
        assert call(forge, "POST", "/orgs/acme/repos", "admin", {"name": name})[0] == 422
