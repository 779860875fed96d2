"""Finds the build steps that run on this host, and the build that each belongs to. BuildKit has no such list.

Every build gives its steps an extra host in `/etc/hosts`. The name of that host is part of a step's cache key, so that
builds with different names share no steps. Its address is not part of the key, and identifies the build.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from slipway.adapters.buildkit.cgroup import NAME, ROOT

_MOST_BYTES = 64 << 10


def own_address() -> str:
    """A random loopback address, which identifies one build."""
    return f"127.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"


def steps_with(address: str, root: Path = ROOT) -> list[str]:
    """Ids of the running steps that have this address in `/etc/hosts`, or whose file can't be read: a step that is
    being set up, or one that has changed its root folder."""
    base = root / "memory" if (root / "memory").is_dir() else root
    return sorted(group.name for group in (base / NAME).glob("*/") if _may_belong_to(group, address))


def is_built_beside(name: str) -> bool:
    """Does a client on this host run another build with this extra host? It may wait for the same step, which BuildKit
    then does not stop with the build that began it."""
    wanted = f"\0--add-host\0{name}:".encode()
    return any(wanted in _command_line(process) for process in os.listdir("/proc") if process.isdecimal())


def _command_line(process: str) -> bytes:
    try:
        return Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return b""


def _may_belong_to(group: Path, address: str) -> bool:
    try:
        processes = (group / "cgroup.procs").read_text().split()
    except OSError:
        return False
    seen = [_hosts(process) for process in processes]
    return bool(processes) and (None in seen or any(address in (hosts or "").split() for hosts in seen))


def _hosts(process: str) -> str | None:
    """The content of `/etc/hosts` as the process sees it. None: it can't be read; empty: the process has ended."""
    place = Path("/proc", process, "root")
    try:
        is_set_up = not place.samefile("/")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if not is_set_up:
        return None
    try:
        descriptor = os.open(place / "etc/hosts", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, _MOST_BYTES).decode("utf-8", "replace")
    finally:
        os.close(descriptor)
