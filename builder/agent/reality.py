"""What the runtime told last, shared by all passes: one listing serves many apps."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from slipway.ports.runtime import ContainerRuntime, Observed


class Reality:
    """A listing that is at most `max_age_s` old, and never older than the last change that was told."""

    def __init__(self, runtime: ContainerRuntime, *, max_age_s: float) -> None:
        self._runtime = runtime
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._taken_at = float("-inf")
        self._changed_at = float("-inf")
        self._by_app: Mapping[int, Sequence[Observed]] = {}

    def changed(self) -> None:
        """Something was started, died or vanished: what was listed before is out of date."""
        self._changed_at = time.monotonic()

    def all(self) -> Mapping[int, Sequence[Observed]]:
        """App id → what the runtime has of it. Raises `DependencyUnavailable`."""
        with self._lock:
            asked_at = time.monotonic()
            if self._taken_at <= self._changed_at or asked_at - self._taken_at > self._max_age_s:
                by_app: dict[int, list[Observed]] = defaultdict(list)
                for observed in self._runtime.list():
                    by_app[observed.app_id].append(observed)
                self._by_app, self._taken_at = by_app, asked_at
            return self._by_app

    def of(self, app_id: int) -> Sequence[Observed]:
        """What the runtime has of one app."""
        return self.all().get(app_id, ())
