"""What a container uses and may use, from its control group's files (version 1 and 2)."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from slipway.errors import NotFound
from slipway.ports.runtime import ResourceUse

ROOT = Path("/sys/fs/cgroup")
_LONGEST = 1 << 16
UNLIMITED_BYTES = 1 << 62
"""Version 1 writes the largest number of pages for "no limit"."""


def use_of(container_id: str, root: Path = ROOT) -> ResourceUse:
    """What the container's processes use now, all together.

    Raises:
        NotFound: it does not run, or its group is not below `root`.
    """
    try:
        if os.path.isdir(f"{root}/memory"):
            return _version_1(f"{root}", container_id)
        return _version_2(_group(f"{root}", container_id))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):  # ENODEV: it goes just now
            raise
        raise NotFound(f"container {container_id[:12]} does not run") from error


def process_of(container_id: str, root: Path = ROOT) -> int:
    """A process of the container; 0: those that it has are in a PID namespace that is not to be seen from here.

    Raises:
        NotFound: it does not run, or its group is not below `root`.
    """
    return next(iter(processes_of(container_id, root)), 0)


def processes_of(container_id: str, root: Path = ROOT) -> list[int]:
    """All processes of the container that are to be seen from here. Raises `NotFound` as `process_of` does."""
    base = f"{root}/pids" if os.path.isdir(f"{root}/pids") else f"{root}"
    try:
        pids = Path(f"{_group(base, container_id)}/cgroup.procs").read_text().split()  # may take several reads
    except OSError as error:
        raise NotFound(f"container {container_id[:12]} does not run") from error
    return [int(pid) for pid in pids]


def _group(base: str, container_id: str) -> str:
    """Where Docker's cgroup drivers (cgroupfs, systemd) put a container."""
    for place in (f"{base}/docker/{container_id}", f"{base}/system.slice/docker-{container_id}.scope"):
        if os.path.isdir(place):
            return place
    raise NotFound(f"container {container_id[:12]} does not run")


def _version_1(root: str, container_id: str) -> ResourceUse:
    cpu, memory, pids = (_group(f"{root}/{name}", container_id) for name in ("cpu", "memory", "pids"))
    quota_us = _number(f"{cpu}/cpu.cfs_quota_us")
    limit_bytes = _number(f"{memory}/memory.limit_in_bytes")
    cached = _table(f"{memory}/memory.stat").get("total_inactive_file", 0)
    return ResourceUse(
        at=time.time(),
        cpu_s=_number(f"{_group(f'{root}/cpuacct', container_id)}/cpuacct.usage") / 1e9,
        cpus_limit=quota_us / _number(f"{cpu}/cpu.cfs_period_us") if quota_us > 0 else None,
        throttled_s=_table(f"{cpu}/cpu.stat").get("throttled_time", 0) / 1e9,
        memory_bytes=max(0, _number(f"{memory}/memory.usage_in_bytes") - cached),
        memory_limit_bytes=limit_bytes if limit_bytes < UNLIMITED_BYTES else None,
        processes=_number(f"{pids}/pids.current"),
        processes_limit=_limit(f"{pids}/pids.max"),
    )


def _version_2(group: str) -> ResourceUse:
    cpu, quota = _table(f"{group}/cpu.stat"), _text(f"{group}/cpu.max").split()
    cached = _table(f"{group}/memory.stat").get("inactive_file", 0)
    return ResourceUse(
        at=time.time(),
        cpu_s=cpu["usage_usec"] / 1e6,
        cpus_limit=int(quota[0]) / int(quota[1]) if quota[0] != "max" else None,
        throttled_s=cpu.get("throttled_usec", 0) / 1e6,
        memory_bytes=max(0, _number(f"{group}/memory.current") - cached),
        memory_limit_bytes=_limit(f"{group}/memory.max"),
        processes=_number(f"{group}/pids.current"),
        processes_limit=_limit(f"{group}/pids.max"),
    )


def _number(path: str) -> int:
    return int(_text(path))


def _limit(path: str) -> int | None:
    text = _text(path).strip()
    return None if text == "max" else int(text)


def _table(path: str) -> dict[str, int]:
    words = _text(path).split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def _text(path: str) -> str:
    """Of a small file of the kernel's. Without Python's own file objects, which take most of the time."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, _LONGEST).decode()
    finally:
        os.close(file)
