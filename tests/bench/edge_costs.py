"""What processes cost: CPU time and memory, as the kernel counts them."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    return [pid, *(descendant for child in children for descendant in family(int(child)))]


def cpu_s(*pids: int) -> float:
    """User and system time that these families have used so far."""
    return sum(_cpu_ticks(member) for pid in pids for member in family(pid)) * _TICK_S


def memory_mib(*pids: int) -> float:
    """PSS of these families: what they share with others counts by its share."""
    return sum(_pss_kib(member) for pid in pids for member in family(pid)) / 1024


def _cpu_ticks(pid: int) -> int:
    # The command's name stands in parentheses and may hold anything; utime and stime are fields 14 and 15.
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _pss_kib(pid: int) -> int:
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
