"""Slow work beside the passes: starts, probes, stops. One task a key at a time; its app gets a pass when it ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor

from slipway.errors import DependencyUnavailable

log = logging.getLogger(__name__)

START, PROBE, STOP, TASK, SERVICE = "start", "probe", "stop", "task", "service"
SIZES = {START: 16, PROBE: 128, STOP: 32, TASK: 32, SERVICE: 4}
"""Threads of each kind: nothing that may take minutes delays a start. A probe of an app that still imports waits for
some seconds. Threads are made when they are needed."""
PAUSE_S = 1.0
"""A failed task does not start again sooner."""


class BackgroundTasks:
    """Runs tasks in bounded pools.

    Args:
        executors: where each kind runs.
        done: called when a task has ended, with the app's id and the seconds after which the app is due a pass.
    """

    def __init__(self, executors: Mapping[str, Executor], done: Callable[[int, float], None]) -> None:
        self._executors = executors
        self._done = done
        self._lock = threading.Lock()
        self._busy: dict[str, float] = {}  # key → busy until (monotonic); infinity while it runs

    @classmethod
    def in_threads(cls, done: Callable[[int, float], None]) -> BackgroundTasks:
        return cls({kind: ThreadPoolExecutor(size, thread_name_prefix=kind) for kind, size in SIZES.items()}, done)

    def begin(self, kind: str, key: str, app_id: int, work: Callable[[], None]) -> bool:
        """Begin `work` unless a task of that key runs or is paused; says whether it did."""
        with self._lock:
            if self._busy.get(key, 0) > time.monotonic():
                return False
            self._busy[key] = float("inf")
        self._executors[kind].submit(self._run, key, app_id, work)
        return True

    def busy(self) -> frozenset[str]:
        """The keys of what runs or is paused at this moment."""
        with self._lock:
            now = time.monotonic()
            self._busy = {key: until for key, until in self._busy.items() if until > now}
            return frozenset(self._busy)

    def _run(self, key: str, app_id: int, work: Callable[[], None]) -> None:
        pause_s = 0.0
        try:
            work()
        except DependencyUnavailable as error:
            pause_s = PAUSE_S
            log.warning("background task postponed", extra={"task": key, "app_id": app_id, "why": error.message})
        except Exception:
            pause_s = PAUSE_S
            log.exception("background task failed", extra={"task": key, "app_id": app_id})
        with self._lock:
            if pause_s:
                self._busy[key] = time.monotonic() + pause_s
            else:
                self._busy.pop(key, None)
        self._done(app_id, pause_s)
