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
    return Path(subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout.strip())


@pytest.fixture
def since(tmp_path: Path) -> Path:
    """A file as old as the test."""
    file = tmp_path / "since"
    file.touch()
    return file


def files_with(marker: str, since: Path, *folders: Path, without: tuple[Path, ...] = ()) -> list[str]:
    """Files on the folders' own file systems that hold the marker, of those that were written or moved since `since`
    was (nobody can choose that time). What is mounted below is left out: a container's root shows the files of layers
    that are folders themselves."""
    kept_out = [part for path in without for part in ("-path", str(path), "-prune", "-o")]
    argv = ["find", *map(str, separate(folders)), "-xdev", *kept_out]
    argv += ["-type", "f", "-cnewer", str(since), "-exec", "grep", "-laF", "-e", marker, "--", "{}", "+"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    return done.stdout.splitlines()


def separate(folders: tuple[Path, ...]) -> list[Path]:
    """Those of the folders that a search of another one, which stays on its file system, does not reach."""
    return [each for each in folders if not any(covers(other, each) for other in folders if other != each)]


def covers(above: Path, below: Path) -> bool:
    """Whether a search of `above` that stays on its file system comes to `below`."""
    between = [below, *below.parents]
    if above not in between:
        return False
    return len({each.stat().st_dev for each in between[: between.index(above) + 1]}) == 1


def pushers_own(stack: Stack) -> tuple[Path, ...]:
    """Where whoever pushes has the files: the checkouts, and the forge."""
    return stack.state / "checkouts", stack.state / "forge"


def test_a_file_that_no_step_copies_is_nowhere_on_disk_after_success_failure_and_cancel(
    stack: Stack, since: Path
) -> None:
    marker, copied = f"uncopied-{os.urandom(12).hex()}", f"copied-{os.urandom(12).hex()}"
    checkout = stack.app("traceless")
    (checkout.folder / "notes.txt").write_text(marker)
    stack.deploy("traceless", checkout, "1")
    failing = "FROM python:3.11-slim\nCOPY VERSION /copied\nRUN false\n"
    stack.deploy("traceless", checkout, copied, expect="failed", Dockerfile=failing)
    commit = checkout.commit("Slow", VERSION="3\n", Dockerfile=slow(30, "3"))
    checkout.push()
    cancelled = stack.deployment_of("traceless", commit)["id"]
    stack.reaches(cancelled, "building")
    stack.call("POST", f"/deployments/{cancelled}/cancel")
    assert stack.ended(cancelled)["state"] == "cancelled"
    assert files_with(copied, since, docker_root(stack)), "a failed build's copies are found where they are"
    everywhere = (Path("/"), docker_root(stack), stack.state)
    assert files_with(marker, since, *everywhere, without=pushers_own(stack)) == []


def test_deleting_an_app_removes_what_its_steps_copied(stack: Stack, since: Path) -> None:
    marker = f"copied-{os.urandom(12).hex()}"
    checkout = stack.app("erased")
    stack.deploy("erased", checkout, "1", BEHAVIOUR__notes=marker)  # its Dockerfile copies BEHAVIOUR*
    assert files_with(marker, since, docker_root(stack))
    everything = (docker_root(stack), stack.state)
    assert stack.api("DELETE", "/apps/erased", X_Slipway_Confirm="erased").status == 202
    eventually(lambda: stack.api("GET", "/apps/erased").status == 404, within_s=90)
    without = pushers_own(stack)
    eventually(lambda: files_with(marker, since, *everything, without=without) == [], within_s=60, every_s=1)
    assert stack.get("erased").status == 404
