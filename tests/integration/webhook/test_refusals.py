"""Signed, but not understood: never a 5xx, always a reason, always recorded."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from slipway.demo.forge.deliveries import encode
from tests.integration.webhook.sender import AFTER, Hooked, TestClientSender, problem, push

Make = Callable[..., Hooked]
LIMIT = 3 << 20

SHAPES: dict[str, bytes] = {
    "empty": b"",
    "half": b'{"ref": ',
    "list": b"[]",
    "number": b"7",
    "null": b"null",
    "text": b'"push"',
    "nothing in it": b"{}",
    "deep list": b"[" * 1_000_000,
    "deep object": b'{"a":' * 30_000,
    "closed deep list": b"[" * 50_000 + b"]" * 50_000,
    "huge number": b'{"after": ' + b"9" * 10_000 + b"}",
    "not a number": b'{"after": NaN}',
    "not utf-8": b'{"ref": "\xff"}',
    "utf-16": '{"ref": "x"}'.encode("utf-16"),
    "nul": b"\0\0\0",
    "nul in the ref": encode(push("refs/heads/a\0b")),
    "lone surrogate in the ref": json.dumps(push("refs/heads/\ud800")).encode(),
    "lone surrogate in the repository": json.dumps(push() | {"repository": {"full_name": "acme/\udfff"}}).encode(),
    "short commit": encode(push(after="abc")),
    "number as commit": encode(push() | {"after": 7}),
    "commits as object": encode(push(commits={"a": 1})),
    "repository as list": encode(push() | {"repository": []}),
    "deleted as text": encode(push(deleted="false")),
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_what_is_not_understood_is_refused_with_a_reason_and_recorded(
    sender: TestClientSender, hooked: Make, body: bytes
) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, body, delivery_id="d-1")
    refused = problem(answer)
    assert (answer.status_code, refused["code"]) == (422, "invalid-input")
    (delivery,) = acme.deliveries()
    assert (delivery.delivery_id, delivery.outcome, delivery.reason) == ("d-1", "refused", refused["detail"])
    assert acme.deployments() == []


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", None, "application/xml"])
def test_another_content_type_is_refused_with_the_right_ones(
    sender: TestClientSender, hooked: Make, content_type: str | None
) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert "application/json" in problem(answer)["remedy"]
    assert acme.deliveries()[0].outcome == "refused"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_content_types_parameters_and_case_do_not_matter(
    sender: TestClientSender, hooked: Make, content_type: str
) -> None:
    assert sender.send(hooked().hook_id, headers={"Content-Type": content_type}).status_code == 202


def test_a_stranger_does_not_learn_whether_the_content_type_is_right(sender: TestClientSender, hooked: Make) -> None:
    answer = sender.send(hooked().hook_id, secret="guessed", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 401


@pytest.mark.parametrize("event", [None, "", "Push", "pu sh", "x" * 41, "push\xff"])
def test_an_event_that_is_not_named_is_refused(sender: TestClientSender, hooked: Make, event: str | None) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, headers={"X-GitHub-Event": event})
    assert answer.status_code == 422
    assert "X-GitHub-Event" in problem(answer)["detail"]
    assert [(each.event, each.outcome) for each in acme.deliveries()] == [("", "refused")]


def test_a_body_over_the_limit_is_refused_before_anything_else(sender: TestClientSender, hooked: Make) -> None:
    known = sender.send(hooked().hook_id, b" " * (LIMIT + 1))
    unknown = sender.send("A" * 43, b" " * (LIMIT + 1))
    assert (known.status_code, known.data) == (413, unknown.data)
    assert str(LIMIT) in problem(known)["detail"]


def test_a_body_at_the_limit_is_taken(sender: TestClientSender, hooked: Make) -> None:
    body = encode(push())
    answer = sender.send(hooked().hook_id, body + b" " * (LIMIT - len(body)))
    assert answer.status_code == 202


def test_a_refused_delivery_may_be_sent_again_and_deploy(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    sender.send(acme.hook_id, delivery_id="d-1", headers={"Content-Type": "text/plain"})
    assert sender.send(acme.hook_id, delivery_id="d-1").status_code == 202
    assert [each.outcome for each in acme.deliveries()] == ["deployed"]


def test_what_was_deployed_stays_so_when_its_number_comes_again_with_nonsense(
    sender: TestClientSender, hooked: Make
) -> None:
    acme = hooked()
    sender.send(acme.hook_id, delivery_id="d-1")
    assert sender.send(acme.hook_id, b"nonsense", delivery_id="d-1").status_code == 422
    assert [each.outcome for each in acme.deliveries()] == ["deployed"]


def test_text_for_people_is_kept_without_what_a_database_cannot_keep(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    head = {"id": AFTER, "message": "a\0b \ud800 größe ☃ " + "x" * 5000}
    body = json.dumps(push(head_commit=head, pusher={"name": "\0\udc00" + "y" * 500})).encode()
    assert sender.send(acme.hook_id, body).status_code == 202
    (deployment,) = acme.deployments()
    assert "größe ☃" in deployment.message
    assert len(deployment.pushed_by) <= 255


def test_random_bodies_never_break_it(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    chance = random.Random(3)
    body = json.dumps({"ref": "refs/heads/main", "after": AFTER, "repository": {"full_name": "acme/hello"}}).encode()
    for _ in range(150):
        mangled = bytearray(body)
        for _ in range(chance.randint(1, 6)):
            mangled[chance.randrange(len(mangled))] = chance.choice(b'{}[]",:\\u0\0\xff9e')
        assert sender.send(acme.hook_id, bytes(mangled)).status_code in (200, 202, 422)


def test_unknown_paths_are_problems_too(sender: TestClientSender) -> None:
    answer = sender.get("/webhooks/gitlab/x")
    assert (answer.status_code, problem(answer)["status"]) == (404, 404)


def test_a_defect_is_a_problem_without_its_traceback(
    sender: TestClientSender, hooked: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret detail")

    acme = hooked()
    monkeypatch.setattr("webhook.bodies.parse", broken)
    answer = sender.send(acme.hook_id)
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert problem(answer)["code"] == "internal"
