"""What the runtime has, shared by all passes: one listing serves many apps.

For a moment after a container's end was reported the runtime may still list it as running, so a report counts until a
listing agrees.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from slipway.ports.runtime import Change, ContainerRuntime, Happened, Observed


@dataclass(frozen=True, slots=True)
class _Reported:
    """What was reported of one container since it started."""

    at: float
    """Monotonic."""
    died: bool = False
    exit_code: int | None = None
    oom_killed: bool = False

    def correct(self, listed: Observed) -> Observed:
        oom_killed = listed.oom_killed or self.oom_killed
        if not self.died or not listed.running:
            return replace(listed, oom_killed=oom_killed)
        return replace(
            listed, running=False, paused=False, address=None, exit_code=self.exit_code, oom_killed=oom_killed
        )


class ObservedState:
    """A listing that is at most `max_age_s` old, and never older than the last reported change."""

    def __init__(self, runtime: ContainerRuntime, *, max_age_s: float) -> None:
        self._runtime = runtime
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._listed_at = float("-inf")
        self._changed_at = float("-inf")
        self._by_app: Mapping[int, Sequence[Observed]] = {}
        self._reported: dict[str, _Reported] = {}
        self._reports_lock = threading.Lock()  # a lock of its own, so that a report does not wait for a listing

    def changed(self) -> None:
        """Something was started, died or vanished: the listing is out of date."""
        self._changed_at = time.monotonic()

    def report(self, change: Change) -> None:
        """The change counts before any listing shows it."""
        now = time.monotonic()
        with self._reports_lock:
            if change.what in (Happened.STARTED, Happened.REMOVED):
                self._reported.pop(change.container_id, None)
            known = self._reported.get(change.container_id, _Reported(now))
            if change.what == Happened.OUT_OF_MEMORY:
                self._reported[change.container_id] = replace(known, at=now, oom_killed=True)
            elif change.what == Happened.DIED:
                self._reported[change.container_id] = replace(known, at=now, died=True, exit_code=change.exit_code)
        self._changed_at = now

    def forget_reports(self) -> None:
        """Reports were missed: only a listing shows what became of a container since."""
        with self._reports_lock:
            self._reported.clear()
        self.changed()

    def is_out_of_memory(self, container_id: str) -> bool:
        """Whether it was reported that a process of the container was killed for lack of memory."""
        reported = self._reported.get(container_id)
        return reported is not None and reported.oom_killed

    def all(self) -> Mapping[int, Sequence[Observed]]:
        """App id → what the runtime has of it. Raises `DependencyUnavailable`."""
        with self._lock:
            asked_at = time.monotonic()
            if self._listed_at <= self._changed_at or asked_at - self._listed_at > self._max_age_s:
                by_app: dict[int, list[Observed]] = defaultdict(list)
                for observed in self._corrected(self._runtime.list(), asked_at):
                    by_app[observed.app_id].append(observed)
                self._by_app, self._listed_at = by_app, asked_at
            return self._by_app

    def of(self, app_id: int) -> Sequence[Observed]:
        """What the runtime has of one app."""
        return self.all().get(app_id, ())

    def _corrected(self, listed: Sequence[Observed], asked_at: float) -> list[Observed]:
        """The listing with the reported changes. Reports on containers that a later listing lacks are dropped."""
        present = {each.container_id for each in listed}
        with self._reports_lock:
            self._reported = {
                container_id: reported
                for container_id, reported in self._reported.items()
                if container_id in present or reported.at >= asked_at
            }
            known = dict(self._reported)
        return [known[each.container_id].correct(each) if each.container_id in known else each for each in listed]
