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


def files_with(
    markers: tuple[str, ...], since: Path, *folders: Path, without: tuple[Path, ...] = ()
) -> set[tuple[str, str]]:
    """Each file on the folders' own file systems with each marker that it holds, of those that were written or moved
    since `since` was (nobody can choose that time). What is mounted below is left out: a container's root shows the
    files of layers that are folders themselves. One search for all markers: it looks at every file of the host."""
    kept_out = [part for path in without for part in ("-path", str(path), "-prune", "-o")]
    argv = ["find", *map(str, separate(folders)), "-xdev", *kept_out]
    argv += ["-type", "f", "-cnewer", str(since), "-exec", "grep", "-HaoF"]
    argv += [part for marker in markers for part in ("-e", marker)]
    done = subprocess.run([*argv, "--", "{}", "+"], capture_output=True, text=True, check=False, timeout=600)
    found = (line.rpartition(":") for line in done.stdout.splitlines())
    return {(file, marker) for file, _, marker in found}


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


def test_what_no_step_copies_is_nowhere_on_disk_and_what_steps_copied_goes_with_the_app(
    stack: Stack, since: Path
) -> None:
    """Of builds that succeed, that fail and that are cancelled."""
    marker, copied, failed = (f"{what}-{os.urandom(12).hex()}" for what in ("uncopied", "copied", "failed"))
    checkout = stack.app("traceless")
    (checkout.folder / "notes.txt").write_text(marker)
    stack.deploy("traceless", checkout, "1", BEHAVIOUR__notes=copied)  # its Dockerfile copies BEHAVIOUR*
    failing = "FROM python:3.11-slim\nCOPY BEHAVIOUR.notes /copied\nRUN false\n"
    stack.deploy("traceless", checkout, "2", expect="failed", Dockerfile=failing, BEHAVIOUR__notes=failed)
    commit = checkout.commit("Slow", VERSION="3\n", Dockerfile=slow(30, "3"))
    checkout.push()
    cancelled = stack.deployment_of("traceless", commit)["id"]
    stack.reaches(cancelled, "building")
    stack.call("POST", f"/deployments/{cancelled}/cancel")
    assert stack.ended(cancelled)["state"] == "cancelled"

    def found(*folders: Path) -> set[str]:
        markers = (marker, copied, failed)
        return {each for _, each in files_with(markers, since, *folders, without=pushers_own(stack))}

    its_own = (docker_root(stack), stack.state)
    assert found(Path("/"), *its_own) == {copied, failed}, "what was copied is found, and nothing else"
    assert stack.api("DELETE", "/apps/traceless", X_Slipway_Confirm="traceless").status == 202
    eventually(lambda: stack.api("GET", "/apps/traceless").status == 404, within_s=90)
    eventually(lambda: not found(*its_own), within_s=60, every_s=2)
    assert stack.get("traceless").status == 404
