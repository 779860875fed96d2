"""The sizes of volumes. The runtime counts them file by file, which may take seconds: one measurement at a time serves
all who ask meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from slipway.errors import DependencyUnavailable
from slipway.ports.clock import Clock

FRESH_S = 3.0
WAIT_S = 1.0
"""A caller waits this long for another caller's measurement, and then gets the sizes of the one before."""


class VolumeSizes:
    def __init__(self, measure: Callable[[], Mapping[str, int]], clock: Clock = time.monotonic) -> None:
        self._measure = measure
        self._clock = clock
        self._measuring = threading.Lock()
        self._known: Mapping[str, int] | None = None
        self._fresh_until = 0.0

    def now(self) -> Mapping[str, int]:
        """Volume → bytes.

        Raises:
            DependencyUnavailable: the runtime does not answer, or others wait for its first answer.
        """
        if not self._measuring.acquire(timeout=WAIT_S):
            return self._last()
        try:
            if self._known is None or self._clock() >= self._fresh_until:
                self._known = self._measure()
                self._fresh_until = self._clock() + FRESH_S
            return self._known
        finally:
            self._measuring.release()

    def _last(self) -> Mapping[str, int]:
        if self._known is None:
            raise DependencyUnavailable("The volumes are being measured.", remedy="ask again in some seconds")
        return self._known
