"""SIGKILL loses nothing and needs no hand. That each deployment ends rightly once is in test_kills.py."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.test_push import slow
from tests.fixtures.processes import children, descendants, kill_nginx, own_seconds, running_command
from tests.fixtures.stack import Stack
from tests.fixtures.waiting import eventually


def test_a_killed_worker_leaves_no_process_of_its_build(stack: Stack) -> None:
    checkout = stack.app("remains")
    seconds = own_seconds(20)
    commit = checkout.commit("Slow", VERSION="1\n", Dockerfile=slow(seconds, "1"))
    checkout.push()
    deployment = stack.deployment_of("remains", commit)["id"]
    stack.reaches(deployment, "building")
    children_before = [child for worker in stack.pids("worker") for child in descendants(worker)]
    stack.kill("worker")
    eventually(lambda: not [pid for pid in children_before if Path(f"/proc/{pid}").exists()])
    stack.call("POST", f"/deployments/{deployment}/cancel")
    assert stack.ended(deployment)["state"] == "cancelled"
    eventually(lambda: not running_command(f"sleep {seconds}"), what="the build's own step is gone")


def test_a_killed_nginx_refuses_nobody(stack: Stack) -> None:
    checkout = stack.app("edged")
    stack.deploy("edged", checkout, "1")
    [keeper] = stack.pids("edge")
    [master] = children(keeper)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: stack.get("edged"), range(400))
        kill_nginx(stack)
        assert {(answer.status, answer.text) for answer in answers} == {(200, "1")}
    assert [master] != eventually(lambda: children(keeper))
    stack.deploy("edged", checkout, "2")
    assert stack.get("edged").text == "2"


def test_an_edge_killed_whole_serves_again_by_itself_with_all_its_routes(stack: Stack) -> None:
    checkout = stack.app("whole")
    stack.deploy("whole", checkout, "1")
    stack.kill("edge")
    eventually(lambda: not serves(stack, "whole", "1"), what="the edge is gone")
    eventually(lambda: serves(stack, "whole", "1"), what="the edge is back")
    stack.deploy("whole", checkout, "2")
    assert stack.get("whole").text == "2"


def test_a_push_while_redis_is_killed_is_accepted_and_deployed(stack: Stack) -> None:
    checkout = stack.app("noredis")
    stack.deploy("noredis", checkout, "old")
    [pid] = stack.pids("redis")
    os.kill(pid, signal.SIGSTOP)  # silent, not gone: the harder case
    try:
        commit = checkout.commit("New", VERSION="new\n")
        checkout.push()
        delivery = [each for each in stack.forge.pushes() if each.repository == "acme/noredis"][-1]
        assert delivery.status == 202, delivery
        assert stack.get("noredis").text == "old"
    finally:
        os.kill(pid, signal.SIGKILL)
    assert stack.ended(stack.deployment_of("noredis", commit)["id"], within_s=180)["state"] == "live"
    assert stack.get("noredis").text == "new"


def serves(stack: Stack, app: str, version: str) -> bool:
    try:
        return stack.get(app).text == version
    except OSError:
        return False
