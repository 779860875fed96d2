"""The heartbeat of a worker: it shows that the worker lives, and finds what has to stop the work."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.lease.lease import Lease, LeaseLost
from slipway.core.deployment.ordering import GOES_ON, LiveTree, Verdict, may_switch
from slipway.core.deployment.states import Kind, State
from slipway.domain import intents
from slipway.errors import DependencyUnavailable, SlipwayError
from slipway.models import App, Deployment, now

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the work stops, and the state in which the deployment ends."""

    state: State = State.CANCELLED
    why: str = ""
    lease_lost: bool = False
    """The worker stops and writes nothing."""
    remedy: str = ""
    reason: str = ""
    live: LiveTree | None = None
    """The push would change nothing of this, and is stopped only while this is still live."""

    @classmethod
    def by(cls, verdict: Verdict) -> Self:
        return cls(verdict.end, verdict.why, remedy=verdict.remedy, reason=verdict.reason, live=verdict.live)


@dataclass(frozen=True, slots=True)
class Found:
    """What one beat found in the database."""

    stop: Stop | None = None
    newer_push: int | None = None
    """A later push of the same branch: the push has to be compared with the branch's head again."""


class Heartbeat:
    """Beats every `interval_s` in a thread of its own, for the length of a `beating` block.

    When no beat could be written for `lapse_s` the lease counts as lost: the agent may have given the deployment away.
    """

    def __init__(
        self, lease: Lease, *, interval_s: float, lapse_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lease = lease
        self._interval_s = interval_s
        self._lapse_s = lapse_s
        self._is_stale: Callable[[], Verdict] = lambda: GOES_ON
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []
        self._compared_with: int | None = None
        self._clock = clock
        self._written_at = clock()
        """When the last beat that was written began. The row's own time is this or later."""
        self.stop: Stop | None = None

    @contextmanager
    def beating(self, is_stale: Callable[[], Verdict]) -> Iterator[None]:
        """`is_stale` compares the push with its branch's head. It is called once for every newer push, in a thread of
        its own, because it waits for the network."""
        self._is_stale = is_stale
        self._in_thread(self._beat_until_the_end, "heartbeat")
        try:
            yield
        finally:
            self._end.set()
            for thread in self._threads:
                thread.join()

    def stopped(self) -> bool:
        """Shall the work stop? Looks at the time, too: a beat may be waiting for the database."""
        if self.stop is None and self._is_overdue():
            self.stop = Stop(lease_lost=True)
        return self.stop is not None

    def _in_thread(self, work: Callable[[], None], name: str) -> None:
        context = contextvars.copy_context()  # the ids on every line of the log
        thread = threading.Thread(target=context.run, args=(work,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _beat_until_the_end(self) -> None:
        while not self._end.wait(self._interval_s) and not self.stopped():
            self.beat()

    def beat(self) -> None:
        """Write the time into the row, and look for a reason to stop."""
        began = self._clock()
        try:
            found = self._write()
            self._written_at = began
        except LeaseLost:
            found = Found(Stop(lease_lost=True))
        except DependencyUnavailable as error:
            log.warning("no heartbeat: the database does not answer", extra={"why": error.message})
            found = Found()
        except Exception:  # a thread that ended here would stop the heartbeat without a word
            log.exception("no heartbeat: a fault of ours")
            found = Found()
        self.stop = self.stop or found.stop
        if found.newer_push and found.newer_push != self._compared_with and not self.stop:
            self._compared_with = found.newer_push
            self._in_thread(self._compare_with_branch, "branch")

    def _is_overdue(self) -> bool:
        return self._clock() - self._written_at >= self._lapse_s

    def _write(self) -> Found:
        with self._lease.write() as (session, row):
            row.heartbeat_at = now()
            if row.stop_requested:
                return Found(Stop(State(row.stop_requested), row.stop_why))
            if session.get_one(App, row.app_id).deleted_at is not None:
                return Found(Stop(State.CANCELLED, "the app is being deleted"))
            live = intents.live_deployment(session, row.app_id, row.environment)
            verdict = may_switch(row.candidate(), live.candidate() if live else None)
            if not verdict.goes_on:
                return Found(Stop.by(verdict))
            return Found(newer_push=_newer_push(session, row))

    def _compare_with_branch(self) -> None:
        try:
            verdict = self._is_stale()
        except SlipwayError as error:
            log.info("the branch's head can't be read", extra={"why": error.message})
            self._compared_with = None
            return
        if not verdict.goes_on and self.stop is None:
            self.stop = Stop.by(verdict)


def _newer_push(session: Session, row: Deployment) -> int | None:
    if row.kind != Kind.PUSH:
        return None
    query = select(Deployment.id).filter_by(
        app_id=row.app_id, environment=row.environment, kind=str(Kind.PUSH), ref=row.ref
    )
    newer = query.where(Deployment.sequence > row.sequence, Deployment.commit_sha != row.commit_sha)
    return session.scalar(newer.order_by(Deployment.sequence.desc()).limit(1))
