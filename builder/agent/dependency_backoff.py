"""What is away: said once when it goes and once when it is back, with a longer pause each time between."""

from __future__ import annotations

import logging
import threading

from slipway.core.rollout.backoff import delay_s
from slipway.errors import SlipwayError

log = logging.getLogger(__name__)

_LONGEST_S = 10.0


class DependencyBackoff:
    """Counts failures in a row by what failed."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._lock = threading.Lock()

    def failed(self, what: str, error: SlipwayError) -> float:
        """Seconds to wait before the next try."""
        with self._lock:
            failures = self._failures[what] = self._failures.get(what, 0) + 1
        if failures == 1:
            log.warning("away, trying again", extra={"what": what, "why": error.message})
        return delay_s(failures, first_s=0.5, longest_s=_LONGEST_S)

    def recovered(self, what: str) -> None:
        with self._lock:
            failures = self._failures.pop(what, 0)
        if failures:
            log.info("back", extra={"what": what, "failures": failures})

    def now(self) -> dict[str, int]:
        """What is away at this moment, with its failures in a row."""
        with self._lock:
            return dict(self._failures)
