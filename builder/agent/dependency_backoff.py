"""Back-off from dependencies that don't answer. Logged once when one fails and once when it answers again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable

from slipway.core.rollout.backoff import delay_s
from slipway.errors import SlipwayError

log = logging.getLogger(__name__)

_LONGEST_S = 10.0


class DependencyBackoff:
    """Counts failures in a row by what failed and, where several do the same work, by each of them: one app's pass that
    succeeds leaves the back-off of another app's alone."""

    def __init__(self) -> None:
        self._failures: dict[str, dict[Hashable, int]] = {}
        self._lock = threading.Lock()

    def failed(self, what: str, error: SlipwayError, *, by: Hashable = None) -> float:
        """Returns the seconds to wait before the next try."""
        with self._lock:
            of_each = self._failures.setdefault(what, {})
            is_first = not of_each
            failures = of_each[by] = of_each.get(by, 0) + 1
        if is_first:
            noticed = {} if by is None else {"by": by}
            log.warning("failed, trying again", extra={"what": what, "why": error.message} | noticed)
        return delay_s(failures, first_s=0.5, longest_s=_LONGEST_S)

    def recovered(self, what: str, *, by: Hashable = None) -> None:
        with self._lock:
            of_each = self._failures.get(what, {})
            failures = of_each.pop(by, 0)
            is_last = bool(failures) and not of_each
            if is_last:
                del self._failures[what]
        if is_last:
            log.info("recovered", extra={"what": what, "failures": failures})

    def now(self) -> dict[str, int]:
        """What fails at this moment, with the most failures in a row."""
        with self._lock:
            return {what: max(of_each.values()) for what, of_each in self._failures.items()}
