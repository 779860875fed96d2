"""A copy of the local Keycloak's database, an H2 file, which H2 copies online only for who is signed in to it.

Its store (MVStore) appends, and opens after a kill at any moment with what was committed. So the process is stopped
for the milliseconds of the copy: what is copied is what a kill would have left.
Source: H2's documentation of MVStore, "Log Structured Storage" and "Crash Recovery"; proc(5); signal(7).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slipway.errors import HostUnready
from slipway.host.processes.probing import wait_until
from slipway.settings import Settings

PROC = Path("/proc")
_FREEZE_TIMEOUT_S = 10.0
_GONE = (FileNotFoundError, ProcessLookupError)
_WAKE_UP = "import os, signal, sys; sys.stdin.read(); [os.kill(int(pid), signal.SIGCONT) for pid in sys.argv[1:]]"


def keycloak_folder(settings: Settings) -> Path:
    return settings.state_dir / "keycloak" / "h2"


def copy(folder: Path, to: Path) -> None:
    """Copy the database's files, with whoever has them open frozen meanwhile."""
    with _frozen(_users_of(folder)):
        shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.lock.db", "*.trace.db", "*.temp.db"))


def _users_of(folder: Path) -> list[int]:
    """The processes that have a file of the folder open."""
    return [int(each.name) for each in PROC.iterdir() if each.name.isdigit() and _uses(each, folder)]


def _uses(process: Path, folder: Path) -> bool:
    with suppress(*_GONE, PermissionError):
        return any(_leads_into(each, folder) for each in (process / "fd").iterdir())
    return False


def _leads_into(descriptor: Path, folder: Path) -> bool:
    with suppress(*_GONE):
        return os.readlink(descriptor).startswith(f"{folder.resolve()}/")
    return False


@contextmanager
def _frozen(pids: list[int]) -> Iterator[None]:
    """They go on when the block is left, and also when this process is killed in it."""
    with _guard(pids):
        try:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            if not wait_until(lambda: all(map(_has_stopped, pids)), timeout_s=_FREEZE_TIMEOUT_S, interval_s=0.01):
                raise HostUnready("Keycloak could not be stopped for the copy of its database", remedy="try again")
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


@contextmanager
def _guard(pids: Iterable[int]) -> Iterator[None]:
    """A process that has them go on when this one ends, however it does."""
    argv = [sys.executable, "-I", "-S", "-c", _WAKE_UP, *map(str, pids)]
    guard = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        guard.communicate()


def _has_stopped(pid: int) -> bool:
    """Every thread: one may still be in a write. Gone counts."""
    with suppress(*_GONE):
        return all(_state(task) in "TtZX" for task in (PROC / str(pid) / "task").iterdir())
    return True


def _state(task: Path) -> str:
    with suppress(*_GONE):
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    return "X"
