"""Push → first 200 of the new version, against doing it by hand: docker build, docker run, first 200."""

from __future__ import annotations

import http.client
import statistics
import subprocess
import time
from pathlib import Path

from tests.bench.measuring import Row, spread
from tests.e2e.test_push import slow
from tests.fixtures.stack import Checkout, Stack
from tests.fixtures.waiting import eventually

ROUNDS = 10


def by_hand(stack: Stack, folder: Path, version: str) -> float:
    """Seconds from `docker build` to the first 200, on a fresh commit that differs in one line."""
    (folder / "VERSION").write_text(version + "\n")
    docker = stack.docker
    name = f"{stack.instance}-by-hand"
    environment = stack.environment | {"DOCKER_BUILDKIT": "1"}
    started = time.perf_counter()
    subprocess.run(
        [*docker, "build", "-q", "-t", name, "."], cwd=folder, env=environment, check=True, capture_output=True
    )
    run = [*docker, "run", "-d", "--init", "-e", "PORT=8000", "--name", name, name]
    subprocess.run(run, check=True, capture_output=True)
    try:
        inspect = [*docker, "inspect", "-f", "{{.NetworkSettings.IPAddress}}", name]
        address = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.strip()
        _until(address, 8000, "any", version)
        return time.perf_counter() - started
    finally:
        subprocess.run([*docker, "rm", "-f", name], check=True, capture_output=True)


def by_push(stack: Stack, checkout: Checkout, app: str, version: str) -> float:
    """Seconds from `git push` to the first 200 of the new version at the edge."""
    checkout.commit(version, VERSION=f"{version}\n")
    started = time.perf_counter()
    checkout.push()
    _until("127.0.0.1", stack.port, f"{app}.localhost", version)
    return time.perf_counter() - started


def compare(stack: Stack) -> Row:
    """Alternating rounds."""
    checkout = stack.app("raced")
    hand = stack.state / "by-hand"
    hand.mkdir()
    for name in ("app.py", "Dockerfile"):
        (hand / name).write_bytes((checkout.folder / name).read_bytes())
    by_push(stack, checkout, "raced", "warm-up")
    by_hand(stack, hand, "warm-up")
    pushed, handmade = [], []
    for number in range(ROUNDS):
        handmade.append(by_hand(stack, hand, f"h{number}"))
        pushed.append(by_push(stack, checkout, "raced", f"p{number}"))
    difference_ms = (statistics.median(pushed) - statistics.median(handmade)) * 1000
    return Row(
        f"push → first 200 of the new version, {ROUNDS} alternating rounds",
        f"{spread(pushed, 's', 2)}; by hand {spread(handmade, 's', 2)}; medians differ by {difference_ms:+.0f} ms "
        f"(ratio {statistics.median(pushed) / statistics.median(handmade):.2f})",
        "≤ by hand + 300 ms",
        difference_ms <= 300,
    )


def roll_back(stack: Stack) -> Row:
    """From the request to the first answer of the release before, while another app's build runs."""
    noisy = stack.app("noisy")
    commit = noisy.commit("Slow", VERSION="1\n", Dockerfile=slow(60, "1"))
    noisy.push()
    building = stack.reaches(stack.deployment_of("noisy", commit)["id"], "building")["id"]
    taken, versions = [], [stack.get("raced").text]
    for _ in range(ROUNDS):
        started = time.perf_counter()
        rollback = stack.call("POST", "/apps/raced/rollback", {})
        eventually(lambda: stack.get("raced").text != versions[-1], every_s=0.005)
        taken.append(time.perf_counter() - started)
        versions.append(stack.get("raced").text)
        stack.ended(rollback["id"])
    stack.call("POST", f"/deployments/{building}/cancel")
    stack.ended(building)
    what = f"rollback → first 200 of the release before, while a build runs, {ROUNDS} rounds"
    return Row(what, spread(taken, "s", 2), "≤ 2 s", max(taken) <= 2)


def _until(address: str, port: int, host: str, version: str) -> None:
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        connection = http.client.HTTPConnection(address, port, timeout=2)
        try:
            connection.request("GET", "/", headers={"Host": host})
            answer = connection.getresponse()
            if answer.status == 200 and answer.read().decode() == version:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.005)
    raise AssertionError(f"version {version} was not served within 60 s")
