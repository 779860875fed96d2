"""Processes of a container that carry a mark in the environment with which they were started: what was started beside
its own program, and all that this started."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from slipway.adapters.linux import cgroups

PROC = Path("/proc")


def marked(container_id: str, mark: str, proc: Path = PROC) -> Iterator[int]:
    """Those whose environment has a variable that begins with `mark`. Raises `NotFound` when the container does not
    run."""
    for pid in cgroups.processes_of(container_id):
        with suppress(OSError):
            environment = Path(f"{proc}/{pid}/environ").read_bytes()
            if any(each.startswith(mark.encode()) for each in environment.split(b"\0")):
                yield pid


def are_seen(container_id: str) -> bool:
    """Can this process see those of the container? Raises `NotFound` as `marked` does."""
    return any(cgroups.processes_of(container_id))


def kill(pids: Iterator[int]) -> int:
    """SIGKILL each; says how many."""
    count = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            count += 1
    return count
