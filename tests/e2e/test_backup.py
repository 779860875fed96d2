"""An installation under requests is backed up, lost, and restored on another port, in other networks, under another
name: the same apps answer the same."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from docker import APIClient

from tests.fixtures.engine import remove_installation
from tests.fixtures.stack import Stack, running_stack
from tests.fixtures.waiting import eventually

VOLUME = '\n[[volumes]]\npath = "/data"\n'
REQUESTS = 40


@contextmanager
def requests_going_on(stack: Stack, app: str) -> Iterator[list[tuple[int, str]]]:
    stop = threading.Event()
    seen: list[tuple[int, str]] = []

    def ask() -> None:
        while not stop.is_set():
            answer = stack.get(app)
            seen.append((answer.status, answer.text))

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield seen
    finally:
        stop.set()
        client.join()


def used(stack: Stack, app: str) -> int:
    """Requests of the app, as they are billed."""
    found = stack.call("GET", f"/apps/{app}/usage")
    return sum(point["requests"] for series in found["series"] for point in series["points"])


def described(stack: Stack) -> dict[str, Any]:
    """What has to be the same afterwards."""
    of_app = {name: stack.call("GET", f"/apps/moved/{name}")[name] for name in ("domains", "variables", "deployments")}
    domains, variables, deployments = of_app["domains"], of_app["variables"], of_app["deployments"]
    return {
        "apps": [app["name"] for app in stack.call("GET", "/apps")["apps"]],
        "tokens": [(each["name"], each["role"], each["hint"]) for each in stack.call("GET", "/tokens")["tokens"]],
        "hooks": [(each["id"], each["repository"]) for each in stack.call("GET", "/hooks")["hooks"]],
        "domains": [(each["host"], each["process"]) for each in domains],
        "variables": [(each["name"], each["value"]) for each in variables],
        "deployments": [(each["id"], each["state"], each["release"], each["commit"]) for each in deployments],
    }


def fill(stack: Stack) -> None:
    """Two apps; one of them with two versions, a variable, a volume with data, and requests that are counted."""
    checkout = stack.app("moved")
    stack.deploy("moved", checkout, "one")
    stack.deploy("moved", checkout, "two", slipway__toml=(checkout.folder / "slipway.toml").read_text() + VOLUME)
    stack.cli("env", "set", "-a", "moved", "COLOUR=blue", "--no-watch")
    stack.ended(stack.deployments("moved")[0]["id"])
    stack.cli("run", "-a", "moved", "--", "sh", "-c", "echo written > /data/note")
    stack.deploy("busy", stack.app("busy"), "one")
    for _ in range(REQUESTS):
        assert stack.get("moved").text == "two"
    eventually(lambda: used(stack, "moved") >= REQUESTS, what="the requests are counted")


def backed_up_under_requests(stack: Stack, file: Path) -> None:
    with requests_going_on(stack, "busy") as seen:
        eventually(lambda: len(seen) > 5, what="requests go on")
        said = stack.host("backup", str(file), "--with-volumes")
        until = len(seen)
        eventually(lambda: len(seen) > until + 5, what="requests go on afterwards")
    assert {status for status, _ in seen} == {200}
    assert "read back and verified" in said


@contextmanager
def frozen_workers(stack: Stack) -> Iterator[None]:
    """What is queued stays so."""
    pids = stack.pids("worker")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def scheduled(stack: Stack) -> list[str]:
    """Backups that the installation made by itself."""
    return [each.name for each in Path(stack.settings.backup_folder).glob(f"slipway-{stack.instance}-*.backup")]


def test_an_installation_is_restored_from_its_backup_alone(tmp_path: Path) -> None:
    file, key = tmp_path / "all.backup", tmp_path / "backup.key"
    with running_stack() as old:
        fill(old)
        before, billed = described(old), used(old, "moved")
        with frozen_workers(old):
            waiting = old.call("POST", "/apps/busy/deployments", {})["id"]
            backed_up_under_requests(old, file)
        key.write_bytes((old.state / "backup.key").read_bytes())

    new = Stack(backup_folder=str(tmp_path / "scheduled"))
    new.token = old.token
    try:
        said = new.host("restore", str(file), "--key", str(key))
        assert f"the backup's name was {old.instance}" in said
        assert "missing" not in said
        new.host("up")
        eventually(lambda: new.get("moved").text == "two", within_s=120, what="the app answers as before")
        eventually(lambda: new.get("busy").text == "one", within_s=120, what="the other app, too")
        assert described(new) == before
        failed = new.ended(waiting)
        assert (failed["state"], failed["reason"]) == ("failed", "clone-refused"), (
            "the new host does not know its forge"
        )
        assert new.get("moved", "/env/COLOUR").text == "blue"
        assert used(new, "moved") >= billed
        assert "written" in new.cli("run", "-a", "moved", "--", "cat", "/data/note")
        assert set(replica_states(new, "moved")) == {"ready"}
        back = new.call("POST", "/apps/moved/rollback", {})
        assert new.ended(back["id"])["state"] == "live", "the image of the release before is there, too"
        assert new.get("moved").text == "two"
        eventually(lambda: scheduled(new), within_s=60, what="a backup by the clock")
        assert "1 backup in" in doctor(new)
    finally:
        new.close()
        remove_images_of(old)


def remove_images_of(stack: Stack) -> None:
    """They came with the backup, under the label of the installation that made them."""
    with closing(APIClient(stack.settings.docker_host, version="auto")) as engine:
        remove_installation(engine, stack.instance)


def doctor(stack: Stack) -> str:
    """What it prints; other findings are the host's."""
    return stack._run([sys.executable, "-m", "slipway.host", "doctor"], timeout=300, check=False)


def replica_states(stack: Stack, app: str) -> list[str]:
    return [each["state"] for each in stack.call("GET", f"/apps/{app}/replicas")["replicas"]]
