"""BuildKit's own cgroup. All build steps of an Engine run below it and ignore `--memory`, so the caps are set there."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000
NAME = "docker/buildkit"

SHARES_V1, WEIGHT_V2 = 256, 25
"""A quarter of what each replica has: on a busy CPU replicas go before builds."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Caps for all builds together; 0 is no cap. `root` is where cgroups are mounted. A busy CPU always goes to
    replicas first."""

    memory_bytes: int
    cpus: float = 0
    pids: int = 0
    """Processes and threads."""
    root: Path = ROOT

    def apply(self) -> bool:
        """Set the caps. False, with a line in the log, on a host that has no common cgroup for builds."""
        try:
            return self._apply()
        except OSError as error:
            log.warning("builds are not capped", extra={"why": str(error)})
            return False

    def _apply(self) -> bool:
        if (self.root / "memory").is_dir():
            return self._apply_v1()
        return self._apply_v2()

    def _apply_v1(self) -> bool:
        if not (self.root / "memory/docker").is_dir():
            log.warning("builds are not capped", extra={"why": "the Engine's cgroup driver has no common group"})
            return False
        if self.memory_bytes:
            _write_memory_v1(_group(self.root / "memory"), self.memory_bytes)
        group = _group(self.root / "cpu")
        _write(group / "cpu.shares", SHARES_V1)
        if self.cpus:
            _write(group / "cpu.cfs_period_us", PERIOD_US)
            _write(group / "cpu.cfs_quota_us", int(self.cpus * PERIOD_US))
        if self.pids:
            _write(_group(self.root / "pids") / "pids.max", self.pids)
        return True

    def _apply_v2(self) -> bool:
        if not (self.root / "docker").is_dir():
            log.warning("builds are not capped", extra={"why": "the Engine's cgroup driver has no common group"})
            return False
        group = _group(self.root)
        if self.memory_bytes:
            _write(group / "memory.max", self.memory_bytes)
            if (group / "memory.swap.max").exists():
                _write(group / "memory.swap.max", 0)
        _write(group / "cpu.weight", WEIGHT_V2)
        if self.cpus:
            (group / "cpu.max").write_text(f"{int(self.cpus * PERIOD_US)} {PERIOD_US}")
        if self.pids:
            _write(group / "pids.max", self.pids)
        return True


def _group(controller: Path) -> Path:
    group = controller / NAME
    group.mkdir(exist_ok=True)
    return group


def _write_memory_v1(group: Path, limit: int) -> None:
    """Limit memory, and memory with swap where the kernel counts it. The second limit may never be below the first."""
    memory, with_swap = group / "memory.limit_in_bytes", group / "memory.memsw.limit_in_bytes"
    if not with_swap.exists():
        _write(memory, limit)
        return
    shrinks = limit < int(memory.read_text())
    for file in (memory, with_swap) if shrinks else (with_swap, memory):
        _write(file, limit)


def _write(file: Path, value: int) -> None:
    file.write_text(str(value))
