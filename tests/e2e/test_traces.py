"""No code is kept: what no step copied leaves nothing on the host's disk, and deleting an app removes the rest."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_push import slow
from tests.fixtures.stack import Stack
from tests.fixtures.waiting import eventually


def docker_root(stack: Stack) -> Path:
    argv = [*stack.docker, "info", "--format", "{{.DockerRootDir}}"]
    return Path(subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout.strip())


@pytest.fixture
def since(tmp_path: Path) -> Path:
    """A file as old as the test."""
    file = tmp_path / "since"
    file.touch()
    return file


def files_with(marker: str, since: Path, *folders: Path) -> list[str]:
    """Files below the folders that hold the marker, of those that were written or moved since `since` was (nobody can
    choose that time). A container's `merged` is left out: it shows the files of layers that are folders themselves."""
    argv = ["find", *map(str, folders), "-path", "*/overlay2/*/merged", "-prune", "-o"]
    argv += ["-type", "f", "-cnewer", str(since), "-exec", "grep", "-laF", "-e", marker, "--", "{}", "+"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout.splitlines()


def test_a_file_that_no_step_copies_is_nowhere_on_disk_after_success_failure_and_cancel(
    stack: Stack, since: Path
) -> None:
    marker = f"uncopied-{os.urandom(12).hex()}"
    checkout = stack.app("traceless")
    (checkout.folder / "notes.txt").write_text(marker)
    stack.deploy("traceless", checkout, "1")
    stack.deploy("traceless", checkout, "2", expect="failed", Dockerfile="FROM python:3.11-slim\nRUN false\n")
    commit = checkout.commit("Slow", VERSION="3\n", Dockerfile=slow(30, "3"))
    checkout.push()
    cancelled = stack.deployment_of("traceless", commit)["id"]
    stack.reaches(cancelled, "building")
    stack.call("POST", f"/deployments/{cancelled}/cancel")
    assert stack.ended(cancelled)["state"] == "cancelled"
    ours = [stack.state / name for name in ("logs", "run", "edge", "slipway.db", "slipway.db-wal", "redis")]
    assert files_with(marker, since, docker_root(stack), *filter(Path.exists, ours)) == []


def test_deleting_an_app_removes_what_its_steps_copied(stack: Stack, since: Path) -> None:
    marker = f"copied-{os.urandom(12).hex()}"
    checkout = stack.app("erased")
    stack.deploy("erased", checkout, marker)
    assert files_with(marker, since, docker_root(stack))
    stack.call("DELETE", "/apps/erased")
    eventually(lambda: stack.api("GET", "/apps/erased").status == 404, within_s=90)
    eventually(lambda: files_with(marker, since, docker_root(stack)) == [], within_s=60, every_s=1)
    assert stack.get("erased").status == 404
