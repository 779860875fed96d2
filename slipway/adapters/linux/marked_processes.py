"""Processes of a container that carry a mark in the environment with which they were started: what was started beside
its own program, and all that this started.

A program may start another without its environment. It is found for as long as one that started it carries the mark
and lives; after that nothing tells it from what the container's own program started.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from slipway.adapters.linux import cgroups
from slipway.errors import HostUnready

log = logging.getLogger(__name__)

PROC = Path("/proc")
PASSES_MOST = 200
_PAUSE_S = 0.01


def require_seen(container_id: str, proc: Path = PROC) -> None:
    """Raises `HostUnready` when this process may not look at the container's processes, or may not end them, and
    `NotFound` when the container does not run."""
    try:
        for pid in cgroups.processes_of(container_id):
            if not pid:
                raise _is_unseen()
            with suppress(FileNotFoundError, ProcessLookupError):
                Path(f"{proc}/{pid}/environ").read_bytes()
                os.kill(pid, 0)
    except PermissionError as error:
        raise _is_unseen() from error


def end(container_id: str, mark: str, proc: Path = PROC) -> int:
    """SIGKILL those whose environment has a variable that begins with `mark`, and what they started, until there is
    nothing left: what starts another meanwhile is looked for again. Says how many. Raises `NotFound` when the container
    does not run."""
    ended: set[int] = set()
    for _ in range(PASSES_MOST):
        found = _marked(container_id, mark, proc)
        if not found:
            return len(ended)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ended |= found
        time.sleep(_PAUSE_S)
    log.warning("programs in a replica could not be ended", extra={"container": container_id[:12]})
    return len(ended)


def _marked(container_id: str, mark: str, proc: Path) -> set[int]:
    """With all that descends from them."""
    found: set[int] = set()
    parents: dict[int, int] = {}
    for pid in cgroups.processes_of(container_id):
        with suppress(OSError):  # it has ended
            environment = Path(f"{proc}/{pid}/environ").read_bytes()
            if any(each.startswith(mark.encode()) for each in environment.split(b"\0")):
                found.add(pid)
            parents[pid] = _parent(Path(f"{proc}/{pid}/stat").read_bytes())
    while started := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= started
    return found


def _parent(stat: bytes) -> int:
    """Of the process, whose name stands in parentheses, and may have some itself."""
    return int(stat.rpartition(b")")[2].split()[1])


def _is_unseen() -> HostUnready:
    return HostUnready(
        "The agent can't see or end programs in replicas, so it starts none.",
        remedy="give its container pid: host, and the capabilities KILL and SYS_PTRACE, as docker-compose.yml does",
    )
