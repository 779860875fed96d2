"""What the platform takes while nothing happens."""

from __future__ import annotations

from tests.bench.edge_costs import memory_mib
from tests.bench.measuring import Row
from tests.fixtures.stack import Stack
from tests.fixtures.waiting import eventually

BUDGET_MB = 300
SERVICES = ("webhook", "router", "agent", "worker", "edge", "redis")


def memory(stack: Stack) -> Row:
    """PSS of every process of ours, one app live."""
    by_service: dict[str, float] = eventually(lambda: _by_service(stack), what="no process of ours comes or goes")
    total = sum(by_service.values())
    sizes = ", ".join(f"{name} {size:.0f}" for name, size in by_service.items())
    what = f"memory of ours, idle, PSS, {len(stack.pids('worker'))} worker"
    return Row(what, f"{total:.0f} MB ({sizes})", f"≤ {BUDGET_MB} MB", total <= BUDGET_MB)


def _by_service(stack: Stack) -> dict[str, float] | None:
    """MB of each service; None when one of its processes ended meanwhile."""
    try:
        return {name: sum(memory_mib(pid) for pid in stack.pids(name)) * 2**20 / 1e6 for name in SERVICES}
    except (FileNotFoundError, ProcessLookupError):
        return None
