"""Which build steps run on this host, and whose they are. BuildKit doesn't tell; the steps' own files do.

Every command of a build finds an extra host in its `/etc/hosts`. Its name is part of the step's cache key, and keeps
apart what must not be shared; its address is not, and tells one build from another.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from slipway.adapters.buildkit.cgroup import NAME, ROOT

_MOST_BYTES = 64 << 10


def own_address() -> str:
    """An address of the loopback, for one build."""
    return f"127.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"


def steps_with(address: str, root: Path = ROOT) -> list[str]:
    """Ids of the steps with living processes that have this address in their hosts, or that don't let it be seen: those
    that are being set up, and those that changed what their root is."""
    base = root / "memory" if (root / "memory").is_dir() else root
    return sorted(group.name for group in (base / NAME).glob("*/") if _may_be(group, address))


def is_built_beside(name: str) -> bool:
    """Whether a client on this host runs a build with this extra host: it may have come to the same step, and then
    BuildKit lets that run on when the build that began it is stopped."""
    wanted = f"\0--add-host\0{name}:".encode()
    return any(wanted in _command_line(process) for process in os.listdir("/proc") if process.isdecimal())


def _command_line(process: str) -> bytes:
    try:
        return Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return b""


def _may_be(group: Path, address: str) -> bool:
    try:
        processes = (group / "cgroup.procs").read_text().split()
    except OSError:
        return False
    seen = [_hosts(process) for process in processes]
    return bool(processes) and (None in seen or any(address in (hosts or "").split() for hosts in seen))


def _hosts(process: str) -> str | None:
    """What the process sees as `/etc/hosts`, which may be anything. None: it is not known; "": it has ended."""
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
