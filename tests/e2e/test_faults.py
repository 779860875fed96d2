"""SIGKILL at any moment loses nothing and needs no hand: each deployment ends rightly once, the app serves on."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.test_push import slow
from tests.fixtures.load import load
from tests.fixtures.stack import Stack
from tests.fixtures.waiting import eventually

PRE_DEPLOY = 'health_path = "/health"\npre_deploy = "python -c \'import time; time.sleep(2)\'"\n'
LINGERING = {
    "building": {"Dockerfile": slow(2, "new")},
    "starting": {"slipway__toml": PRE_DEPLOY},
}
"""State → what makes a deployment stay in it for a while."""


def killed_in(stack: Stack, app: str, service: str, state: str) -> None:
    """Deploy a version and SIGKILL the service while the deployment is in the state; it must go live all the same."""
    checkout = stack.app(app)
    stack.deploy(app, checkout, "old")
    with load(stack.port, f"{app}.localhost", streamers=1) as clients:
        commit = checkout.commit("New", VERSION="new\n", **LINGERING.get(state, {}))
        checkout.push()
        deployment = stack.deployment_of(app, commit)["id"]
        stack.reaches(deployment, state, "live")
        stack.kill(service)
        ended = stack.ended(deployment, within_s=180)
        eventually(lambda: stack.get(app).text == "new")
        tally = clients.stop()
    assert ended["state"] == "live", ended
    assert tally.failures == []
    assert len([each for each in stack.deployments(app) if each["commit"] == commit]) == 1
    eventually(lambda: len(stack.call("GET", f"/apps/{app}/replicas")["replicas"]) == 1, within_s=60)


@pytest.mark.parametrize("state", ["fetching", "building", "starting"])
def test_a_killed_worker_loses_no_deployment(stack: Stack, state: str) -> None:
    killed_in(stack, f"worker-{state}", "worker", state)


@pytest.mark.parametrize("state", ["building", "starting", "live"])
def test_a_killed_agent_loses_no_deployment(stack: Stack, state: str) -> None:
    killed_in(stack, f"agent-{state}", "agent", state)


def test_a_killed_work_horse_loses_no_deployment(stack: Stack) -> None:
    checkout = stack.app("horse")
    stack.deploy("horse", checkout, "old")
    commit = checkout.commit("New", VERSION="new\n", Dockerfile=slow(2, "new"))
    checkout.push()
    deployment = stack.deployment_of("horse", commit)["id"]
    stack.reaches(deployment, "building")
    horses = [child for worker in stack.pids("worker") for child in children(worker)]
    assert horses
    for horse in horses:
        os.kill(horse, signal.SIGKILL)
    assert stack.ended(deployment, within_s=180)["state"] == "live"
    assert stack.get("horse").text == "new"


def test_a_killed_worker_leaves_no_process_of_its_build(stack: Stack) -> None:
    checkout = stack.app("remains")
    commit = checkout.commit("Slow", VERSION="1\n", Dockerfile=slow(20, "1"))
    checkout.push()
    deployment = stack.deployment_of("remains", commit)["id"]
    stack.reaches(deployment, "building")
    children_before = [child for worker in stack.pids("worker") for child in descendants(worker)]
    stack.kill("worker")
    eventually(lambda: not [pid for pid in children_before if Path(f"/proc/{pid}").exists()])
    stack.call("POST", f"/deployments/{deployment}/cancel")
    assert stack.ended(deployment)["state"] == "cancelled"
    eventually(lambda: not running_command("sleep 20"), what="the build's own step is gone")


def test_a_killed_webhook_after_its_202_loses_nothing(stack: Stack) -> None:
    checkout = stack.app("hooked")
    commit = checkout.commit("First", VERSION="1\n")
    checkout.push()
    deployment = stack.deployment_of("hooked", commit)["id"]
    stack.kill("webhook")
    assert stack.ended(deployment)["state"] == "live"
    eventually(lambda: stack.request("POST", "slipway.localhost", "/webhooks/github/none").status == 401)


def test_a_killed_nginx_refuses_nobody(stack: Stack) -> None:
    checkout = stack.app("edged")
    stack.deploy("edged", checkout, "1")
    [keeper] = stack.pids("edge")
    [master] = children(keeper)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: stack.get("edged"), range(400))
        os.kill(master, signal.SIGKILL)
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


def test_redis_emptied_while_a_deployment_is_queued_and_another_builds(stack: Stack) -> None:
    checkout = stack.app("emptied")
    stack.deploy("emptied", checkout, "old")
    with load(stack.port, "emptied.localhost", streamers=1) as clients:
        commit = checkout.commit("New", VERSION="new\n", Dockerfile=slow(2, "new"))
        checkout.push()
        deployment = stack.deployment_of("emptied", commit)["id"]
        stack.reaches(deployment, "building")
        socket = stack.settings.redis_url.removeprefix("unix://")
        subprocess.run(["redis-cli", "-s", socket, "FLUSHALL"], check=True, capture_output=True, timeout=10)
        assert stack.ended(deployment, within_s=180)["state"] == "live"
        eventually(lambda: stack.get("emptied").text == "new")
        tally = clients.stop()
    assert tally.failures == []
    stack.deploy("emptied", checkout, "newer")


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


def children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return found + [below for child in found for below in descendants(child)]


def running_command(words: str) -> list[str]:
    """Processes on this host, in whatever container, whose command line has these words."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True, timeout=10).stdout
    return [line for line in lines.splitlines() if words in line and "ps -eo" not in line]
