"""How long to wait before trying again what failed."""

from __future__ import annotations

FIRST_S = 1.0
LONGEST_S = 300.0
HEALTHY_S = 600.0
"""A replica that was ready for this long before it crashed starts counting anew."""


def delay_s(failures: int, *, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> float:
    """Seconds to wait after the `failures`-th failure in a row: 1, 2, 4 … up to five minutes."""
    return float(min(longest_s, first_s * 2 ** min(max(failures - 1, 0), 30)))


def restart_delay_s(restarts: int) -> float:
    """Seconds to wait before the `restarts`-th restart in a row: none before the first, then as after a failure."""
    return delay_s(restarts - 1) if restarts > 1 else 0.0


def failures_in_a_row(before: int, ready_for_s: float | None) -> int:
    """How many failures in a row one more makes; a long healthy time between them forgets the earlier ones."""
    return 1 if ready_for_s is not None and ready_for_s >= HEALTHY_S else before + 1
