"""The folder in memory where the sources of one attempt are during its build. Nothing of it remains."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import DeploymentFailed

IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_LOCK = "owner.lock"


@dataclass(frozen=True, slots=True)
class Scratch:
    """The folders of one attempt."""

    folder: Path

    @property
    def source(self) -> Path:
        """The commit's files."""
        return self.folder / "source"

    @property
    def build_plan(self) -> Path:
        """The Dockerfile that is built, and its ignore file; outside of the build's context."""
        return self.folder / "plan"


def base_folder(scratch_dir: Path, instance: str) -> Path:
    return scratch_dir / f"slipway-{instance}"


@contextmanager
def scratch(base: Path, name: str, *, room_bytes: int) -> Iterator[Scratch]:
    """A folder with mode 0700, which is removed at the end of the block.

    Raises:
        DeploymentFailed: the place is not in memory, or has not enough room.
    """
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_memory(base, room_bytes)
    folder = base / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Scratch(folder)
        made.source.mkdir()
        made.build_plan.mkdir()
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(base: Path) -> int:
    """Remove the folders that killed workers left, and return how many."""
    removed = 0
    for folder in sorted(base.glob("*/")) if base.is_dir() else ():
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # its worker is making or removing it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        finally:
            os.close(lock)
    return removed


def _require_memory(folder: Path, room_bytes: int) -> None:
    kind = file_system(folder)
    if kind not in IN_MEMORY:
        raise DeploymentFailed(
            "scratch-unfit",
            f"{folder} is on {kind}, where sources would be written to disk",
            remedy="the host's owner sets SLIPWAY_SCRATCH_DIR to a folder on tmpfs, such as /dev/shm",
        )
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if kind == "tmpfs" and free < room_bytes:
        raise DeploymentFailed(
            "scratch-full",
            f"{free >> 20} MB are free in {folder}, where sources live during a build; "
            f"{room_bytes >> 20} MB may be needed",
            remedy="wait for other builds, or the host's owner makes that tmpfs larger",
        )


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind of file system that a folder is on."""
    path = folder.resolve()
    found = ("", "unknown")
    for line in mounts.read_text().splitlines():
        _, where, kind, *_ = line.split(" ")
        where = where.replace("\\040", " ")
        if path.is_relative_to(where) and len(where) >= len(found[0]):
            found = (where, kind)
    return found[1]
