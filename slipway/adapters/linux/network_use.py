"""What went through a process's network interfaces, from /proc."""

from __future__ import annotations

from pathlib import Path

from slipway.errors import NotFound
from slipway.ports.runtime import NetworkUse

PROC = Path("/proc")
_IN, _OUT = 0, 8
"""Columns of /proc/<pid>/net/dev (proc(5)): bytes received, bytes sent."""


def of_process(pid: int, proc: Path = PROC) -> NetworkUse | None:
    """All interfaces but the loopback. None: this user may not look.

    Raises:
        NotFound: the process has ended.
    """
    try:
        lines = Path(f"{proc}/{pid}/net/dev").read_text().splitlines()[2:]
    except PermissionError:
        return None
    except OSError as error:
        raise NotFound(f"process {pid} does not run") from error
    rows = [(name.strip(), values.split()) for name, _, values in (line.partition(":") for line in lines)]
    others = [values for name, values in rows if name != "lo"]
    return NetworkUse(sum(int(each[_IN]) for each in others), sum(int(each[_OUT]) for each in others))
