"""What a container uses and may use, from its control group's files (version 1 and 2)."""

from __future__ import annotations

import errno
import time
from pathlib import Path

from slipway.errors import NotFound
from slipway.ports.runtime import ResourceUse

ROOT = Path("/sys/fs/cgroup")
UNLIMITED_BYTES = 1 << 62
"""Version 1 writes the largest number of pages for "no limit"."""


def use_of(container_id: str, root: Path = ROOT) -> ResourceUse:
    """What the container's processes use now, all together.

    Raises:
        NotFound: it does not run, or its group is not below `root`.
    """
    try:
        if (root / "memory").is_dir():
            return _version_1(root, container_id)
        return _version_2(_group(root, container_id))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):  # ENODEV: it goes just now
            raise
        raise NotFound(f"container {container_id[:12]} does not run") from error


def process_of(container_id: str, root: Path = ROOT) -> int:
    """A process of the container; 0: those that it has are in a PID namespace that is not to be seen from here.

    Raises:
        NotFound: it does not run, or its group is not below `root`.
    """
    base = root / "pids" if (root / "pids").is_dir() else root
    try:
        pids = (_group(base, container_id) / "cgroup.procs").read_text().split()
    except OSError as error:
        raise NotFound(f"container {container_id[:12]} does not run") from error
    return int(pids[0]) if pids else 0


def _group(base: Path, container_id: str) -> Path:
    """Where Docker's cgroup drivers (cgroupfs, systemd) put a container."""
    places = (base / "docker" / container_id, base / "system.slice" / f"docker-{container_id}.scope")
    for place in places:
        if place.is_dir():
            return place
    raise NotFound(f"container {container_id[:12]} does not run")


def _version_1(root: Path, container_id: str) -> ResourceUse:
    cpu, memory, pids = (_group(root / name, container_id) for name in ("cpu", "memory", "pids"))
    quota_us = _number(cpu / "cpu.cfs_quota_us")
    limit_bytes = _number(memory / "memory.limit_in_bytes")
    cached = _table(memory / "memory.stat").get("total_inactive_file", 0)
    return ResourceUse(
        at=time.time(),
        cpu_s=_number(_group(root / "cpuacct", container_id) / "cpuacct.usage") / 1e9,
        cpus_limit=quota_us / _number(cpu / "cpu.cfs_period_us") if quota_us > 0 else None,
        throttled_s=_table(cpu / "cpu.stat").get("throttled_time", 0) / 1e9,
        memory_bytes=max(0, _number(memory / "memory.usage_in_bytes") - cached),
        memory_limit_bytes=limit_bytes if limit_bytes < UNLIMITED_BYTES else None,
        processes=_number(pids / "pids.current"),
        processes_limit=_limit(pids / "pids.max"),
    )


def _version_2(group: Path) -> ResourceUse:
    cpu, quota = _table(group / "cpu.stat"), (group / "cpu.max").read_text().split()
    cached = _table(group / "memory.stat").get("inactive_file", 0)
    return ResourceUse(
        at=time.time(),
        cpu_s=cpu["usage_usec"] / 1e6,
        cpus_limit=int(quota[0]) / int(quota[1]) if quota[0] != "max" else None,
        throttled_s=cpu.get("throttled_usec", 0) / 1e6,
        memory_bytes=max(0, _number(group / "memory.current") - cached),
        memory_limit_bytes=_limit(group / "memory.max"),
        processes=_number(group / "pids.current"),
        processes_limit=_limit(group / "pids.max"),
    )


def _number(path: Path) -> int:
    return int(path.read_text())


def _limit(path: Path) -> int | None:
    text = path.read_text().strip()
    return None if text == "max" else int(text)


def _table(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in path.read_text().splitlines())
    return {name: int(value) for name, value in pairs}
