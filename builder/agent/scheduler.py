"""Which app gets a pass next. A bounded pool of threads, at most one of them an app; waiting costs no thread."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable

from builder.agent.dependency_backoff import DependencyBackoff
from slipway.errors import DependencyUnavailable

log = logging.getLogger(__name__)

BROKEN_PAUSE_S = 5.0
"""A pass that failed because of a defect is tried again this much later."""


class Scheduler:
    """Knows when each app is due, and runs passes once it is started."""

    def __init__(self, dependency_backoff: DependencyBackoff, *, threads: int) -> None:
        self._dependency_backoff = dependency_backoff
        self._threads = threads
        self._change = threading.Condition()
        self._due: dict[int, float] = {}  # app → monotonic time
        self._heap: list[tuple[float, int]] = []  # may hold entries that `_due` has overtaken
        self._running: set[int] = set()
        self._stopped = False

    def start(self, reconcile: Callable[[int], float | None]) -> None:
        """Call `reconcile` with each app that is due. It returns after how many seconds the app is due again."""
        for number in range(self._threads):
            threading.Thread(target=self._work, args=(reconcile,), name=f"pass-{number}", daemon=True).start()

    def stop(self) -> None:
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def wake(self, app_id: int, after_s: float = 0.0) -> None:
        """The app gets a pass after `after_s` at the latest."""
        due = time.monotonic() + after_s
        with self._change:
            if due < self._due.get(app_id, float("inf")):
                self._due[app_id] = due
                heapq.heappush(self._heap, (due, app_id))
                self._change.notify()

    def hurry(self, within_s: float) -> None:
        """What is due within `within_s` anyway is due now: an edge has confirmed something."""
        until = time.monotonic() + within_s
        with self._change:
            soon = [app_id for app_id, due in self._due.items() if due <= until]
        for app_id in soon:
            self.wake(app_id)

    def _work(self, reconcile: Callable[[int], float | None]) -> None:
        while (app_id := self._next()) is not None:
            after_s = self._run_pass(reconcile, app_id)
            with self._change:
                self._running.discard(app_id)
                self._change.notify_all()
            if after_s is not None:
                self.wake(app_id, after_s)

    def _run_pass(self, reconcile: Callable[[int], float | None], app_id: int) -> float | None:
        try:
            after_s = reconcile(app_id)
        except DependencyUnavailable as error:
            return self._dependency_backoff.failed("pass", error, by=app_id)
        except Exception:
            log.exception("a pass failed", extra={"app_id": app_id})
            return BROKEN_PAUSE_S
        self._dependency_backoff.recovered("pass", by=app_id)
        return after_s

    def _next(self) -> int | None:
        """The next app that is due and in no other thread; waits for it. None: stopped."""
        with self._change:
            while not self._stopped:
                timeout = self._until_due()
                if timeout is None or timeout > 0:
                    self._change.wait(timeout)
                    continue
                due, app_id = heapq.heappop(self._heap)
                if self._due.get(app_id) != due:
                    continue
                if app_id in self._running:
                    self._due[app_id] = due + 0.01  # another thread runs its pass: due right after that
                    heapq.heappush(self._heap, (due + 0.01, app_id))
                    self._change.wait(0.01)
                    continue
                del self._due[app_id]
                self._running.add(app_id)
                return app_id
            return None

    def _until_due(self) -> float | None:
        return self._heap[0][0] - time.monotonic() if self._heap else None
