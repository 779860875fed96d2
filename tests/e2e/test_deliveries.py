"""Deliveries as they come in at the edge: branches of any name are deployed, and what is too large is refused."""

from __future__ import annotations

import http.client
import json
import subprocess
from contextlib import closing, suppress
from typing import Any

import pytest

from slipway.demo.forge.deliveries import prepare
from slipway.demo.forge.payloads import MAX_COMMITS
from slipway.settings import DELIVERY_SLACK_BYTES
from tests.fixtures.stack import Checkout, Stack

MAX_BYTES = 25 << 20
BRANCHES = {
    "json": "feature/größe/☃",
    "form": "feature/ü+ä&payload=x%2F1;#é",
}


@pytest.mark.parametrize("content_type", BRANCHES)
def test_a_unicode_and_slashed_branch_is_deployed_and_followed(stack: Stack, content_type: str) -> None:
    app, branch = f"branch-{content_type}", BRANCHES[content_type]
    checkout = stack.app(app, branch=branch, content_type=content_type)
    other = push(checkout, "main", "main")
    first = live(stack, app, push(checkout, branch, "1"))
    assert first["ref"] == f"refs/heads/{branch}"
    assert (first["commit"], stack.get(app).text) == (checkout.run("rev-parse", "HEAD"), "1")
    live(stack, app, push(checkout, branch, "2"))
    assert stack.get(app).text == "2"
    assert other not in {each["commit"] for each in stack.deployments(app)}
    reasons = [json.loads(each.answer)["message"] for each in stack.forge.pushes() if each.payload["after"] == other]
    assert reasons == [f"{app} deploys {branch}, the push is to main"]


def push(checkout: Checkout, branch: str, version: str) -> str:
    commit = checkout.commit(version, VERSION=f"{version}\n")
    checkout.push(f"HEAD:refs/heads/{branch}")
    return commit


def live(stack: Stack, app: str, commit: str) -> dict[str, Any]:
    ended = stack.ended(stack.deployment_of(app, commit)["id"])
    assert ended["state"] == "live", ended
    return ended


def test_a_push_of_more_commits_than_are_listed_deploys_the_newest(stack: Stack) -> None:
    checkout = stack.app("manifold")
    stack.deploy("manifold", checkout, "1")
    add_empty_commits(checkout, MAX_COMMITS + 1)
    ended = live(stack, "manifold", push(checkout, "main", "2"))
    delivery = [each for each in stack.forge.pushes() if each.repository == "acme/manifold"][-1]
    assert (len(delivery.payload["commits"]), delivery.payload["after"]) == (MAX_COMMITS, ended["commit"])
    assert stack.get("manifold").text == "2"


def add_empty_commits(checkout: Checkout, number: int) -> None:
    commit = "commit refs/heads/many\ncommitter Test <test@example.org> 0 +0000\ndata 0\n"
    words = f"{commit}from {checkout.run('rev-parse', 'HEAD')}\n" + commit * (number - 1)
    argv = [*checkout.git, "fast-import", "--quiet"]
    subprocess.run(argv, cwd=checkout.folder, input=words, text=True, check=True, timeout=300)
    checkout.run("reset", "-q", "--soft", "many")


@pytest.mark.parametrize("more", [1, DELIVERY_SLACK_BYTES + 1], ids=["the webhook", "the edge"])
def test_a_delivery_above_25_mb_is_refused_with_the_reason_by(stack: Stack, more: int) -> None:
    app = f"large-{more}"
    stack.app(app)
    status, document = send(stack, app, MAX_BYTES + more)
    assert (status, document["status"], document["code"]) == (413, 413, "payload-too-large")
    assert "larger than" in document["detail"]
    assert "push fewer commits at once" in document["remedy"]
    assert "SLIPWAY_DELIVERY_MAX_BYTES" in document["remedy"]


def test_a_delivery_of_25_mb_is_taken(stack: Stack) -> None:
    stack.app("large")
    status, document = send(stack, "large", MAX_BYTES)
    assert (status, document["message"]) == (200, "large deploys main, the push is to other")


def send(stack: Stack, app: str, size: int) -> tuple[int, dict[str, Any]]:
    """A push to another branch, followed by as many spaces as that makes; status and document."""
    hook = stack.forge.registry.get(f"acme/{app}").hooks[0]
    pushed = stack.forge.push_payload(f"acme/{app}", ref="refs/heads/other", before="1" * 40, after="2" * 40)
    sent = prepare(hook.url, hook.secret, "push", json.dumps(pushed).encode().ljust(size))
    return post(stack, hook.url, sent.body, dict(sent.headers))


def post(stack: Stack, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Status and document. An answer may come before all is sent: it is what counts."""
    with closing(http.client.HTTPConnection("127.0.0.1", stack.port, timeout=120)) as connection:
        connection.putrequest("POST", url.partition(str(stack.port))[2], skip_host=True)
        for name, value in {"Host": "slipway.localhost", "Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.send(body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
