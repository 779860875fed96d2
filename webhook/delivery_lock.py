"""One delivery at a time: they don't run side by side anyway, and are slower when they try.

A thread gives up Python's lock for every statement, and waits up to 5 ms to have it back when another one computes.
Eight deliveries at once took 65 ms each that way, of which 4 ms were work; one after the other they take 5. What may
wait for others (a slow body, Redis) stays outside of the turn.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

TIMEOUT_S = 1.0
"""Longer than that something is away: those that wait find out for themselves, side by side."""


class DeliveryLock:
    """Courtesy, not exclusion: the database's own locks keep deliveries apart."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._lock = threading.Lock()
        self._timeout_s = timeout_s

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for the one before, but not longer than patience lasts."""
        is_ours = self._lock.acquire(timeout=self._timeout_s)
        try:
            yield
        finally:
            if is_ours:
                self._lock.release()
