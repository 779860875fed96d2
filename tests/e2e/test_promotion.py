"""What was tried as one app goes live as another, on the whole platform: the very image, whoever is killed."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.fixtures.stack import Stack
from tests.fixtures.waiting import eventually


def promoted(stack: Stack) -> dict[str, Any]:
    asked = stack.cli_json("promote", "-a", "staging", "--to", "production", "--no-watch")
    ended = stack.ended(asked["id"])
    assert ended["state"] == "live", ended
    return ended


def steps(deployment: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(step["name"] for step in deployment["steps"]))


def test_an_image_is_promoted_gone_back_from_and_outlives_its_source(stack: Stack) -> None:
    checkout = stack.app("staging")
    stack.app("production", repository="acme/staging", hook=False, branch="production")
    stack.cli("env", "set", "-a", "staging", "COLOUR=red")
    stack.cli("env", "set", "-a", "production", "COLOUR=blue")
    on_staging = stack.deploy("staging", checkout, "one")
    one = promoted(stack)
    assert (one["release"]["digest"], one["commit"]) == (on_staging["release"]["digest"], on_staging["commit"])
    assert steps(one)[:3] == ["fetch", "start", "switch"], "nothing is built"
    assert stack.get("production").text == "one"
    assert stack.get("production", "/env/COLOUR").text == "blue"
    assert "promotion" in stack.cli("deployments", "-a", "production")

    stack.deploy("staging", checkout, "two")
    stack.cli("apps", "set", "-a", "production", "pre_deploy=sleep 3", "--no-watch")
    two = killed_in_the_middle(stack)
    assert stack.get("production").text == "two"
    back = stack.call("POST", "/apps/production/rollback", {"to": one["release"]["number"]})
    assert stack.ended(back["id"])["state"] == "live"
    assert stack.get("production").text == "one"

    stack.cli("apps", "delete", "staging", "--confirm", "staging")
    eventually(lambda: stack.api("GET", "/apps/staging").status == 404, within_s=60, what="staging is gone")
    eventually(lambda: not stack.containers("name=-staging-"), within_s=60, what="its containers are gone")
    assert stack.get("production").text == "one"
    forward = stack.call("POST", "/apps/production/rollback", {"to": two["release"]["number"]})
    assert stack.ended(forward["id"])["state"] == "live"
    assert stack.get("production").text == "two"


def killed_in_the_middle(stack: Stack) -> dict[str, Any]:
    """A promotion whose worker is killed before the image is its own, and whose agent while it is rolled out."""
    for pid in stack.pids("worker"):
        os.kill(pid, signal.SIGSTOP)
    asked = stack.cli_json("promote", "-a", "staging", "--to", "production", "--no-watch")
    stack.kill("worker")
    stack.reaches(asked["id"], "starting", "live")
    stack.kill("agent")
    ended = stack.ended(asked["id"])
    assert ended["state"] == "live", ended
    return ended


def test_who_may_not_promotes_nothing(stack: Stack) -> None:
    for name in ("tried", "served"):
        stack.app(name)
    tokens = ("tokens", "create", "--name", "no-promoter", "--role", "viewer", "--tenant", "acme")
    viewer = stack.cli_json(*tokens)["token"]
    refused = stack.api("POST", "/apps/tried/promote", {"to": "served"}, token=viewer)
    assert refused.status == 403
    not_live = stack.api("POST", "/apps/tried/promote", {"to": "served"})
    assert (not_live.status, not_live.json["code"]) == (409, "conflict")
