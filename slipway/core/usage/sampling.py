"""From two samples of a container's counters to what it used in between."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.usage.fields import Usage


@dataclass(frozen=True, slots=True)
class Counters:
    """A container's counters at a moment. They begin with its start."""

    container_id: str
    at_ms: int
    """Unix milliseconds, of the agent's clock."""
    cpu_us: int = 0
    memory_bytes: int = 0
    memory_limit_bytes: int = 0
    """0: no limit."""
    network_in_bytes: int = 0
    network_out_bytes: int = 0


def used_between(before: Counters, now: Counters, started_ms: int) -> Usage:
    """What the container used since `before`. Where that was a sample of another container, or of an earlier start of
    this one, the counters have begun again. Memory is the mean of both samples."""
    is_same = before.container_id == now.container_id and started_ms <= before.at_ms
    base = before if is_same else Counters(now.container_id, max(before.at_ms, started_ms))
    ran_ms = max(0, now.at_ms - base.at_ms)
    held = (base.memory_bytes + now.memory_bytes) // 2 if is_same and base.memory_bytes else now.memory_bytes
    found = {
        "running_ms": ran_ms,
        "cpu_us": _grown(base.cpu_us, now.cpu_us),
        "memory_byte_s": held * ran_ms // 1000,
        "memory_peak_bytes": now.memory_bytes,
        "memory_limit_byte_s": now.memory_limit_bytes * ran_ms // 1000,
        "network_in_bytes": _grown(base.network_in_bytes, now.network_in_bytes),
        "network_out_bytes": _grown(base.network_out_bytes, now.network_out_bytes),
    }
    return {name: value for name, value in found.items() if value}


def minute_between(before: Counters, now: Counters, started_ms: int) -> int:
    """The minute since 1970 in which most of it was used; of a long pause the one in its middle."""
    since_ms = max(before.at_ms, min(started_ms, now.at_ms))
    return max(0, (since_ms + now.at_ms) // 2 // 60_000)


def _grown(before: int, now: int) -> int:
    """Counters that have begun again count from zero."""
    return now - before if now >= before else now
