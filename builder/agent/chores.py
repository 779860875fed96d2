"""Slow work beside the passes: starts, probes, stops. One at a time for each key, and the pass is told when it ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor

from slipway.errors import DependencyUnavailable

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""A chore that found the runtime or the database away isn't begun again sooner."""


class Chores:
    """Runs chores in a bounded pool.

    Args:
        executor: where they run.
        done: called with the app's id and the seconds after which to look at it: a chore has ended.
    """

    def __init__(self, executor: Executor, done: Callable[[int, float], None]) -> None:
        self._executor = executor
        self._done = done
        self._lock = threading.Lock()
        self._busy: dict[str, float] = {}  # key → busy until (monotonic); infinity while it runs

    @classmethod
    def in_threads(cls, count: int, done: Callable[[int, float], None]) -> Chores:
        return cls(ThreadPoolExecutor(count, thread_name_prefix="chore"), done)

    def begin(self, key: str, app_id: int, work: Callable[[], None]) -> bool:
        """Begin `work` unless a chore of that key runs or is paused; says whether it did."""
        with self._lock:
            if self._busy.get(key, 0) > time.monotonic():
                return False
            self._busy[key] = float("inf")
        self._executor.submit(self._run, key, app_id, work)
        return True

    def busy(self) -> frozenset[str]:
        """The keys of what runs or is paused at this moment."""
        with self._lock:
            now = time.monotonic()
            self._busy = {key: until for key, until in self._busy.items() if until > now}
            return frozenset(self._busy)

    def stop(self) -> None:
        """Begin nothing more; what runs ends by itself or with the process."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _run(self, key: str, app_id: int, work: Callable[[], None]) -> None:
        pause_s = 0.0
        try:
            work()
        except DependencyUnavailable as error:
            pause_s = PAUSE_S
            log.warning("put off", extra={"chore": key, "app_id": app_id, "why": error.message})
        except Exception:
            pause_s = PAUSE_S
            log.exception("a chore failed", extra={"chore": key, "app_id": app_id})
        with self._lock:
            if pause_s:
                self._busy[key] = time.monotonic() + pause_s
            else:
                self._busy.pop(key, None)
        self._done(app_id, pause_s)
