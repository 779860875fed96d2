"""The heartbeat of work in hand: says that the worker lives, and sees what should stop it."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.lease import Lease, LeaseLost
from slipway.core.deployment.ordering import GOES_ON, LiveTree, Verdict, may_switch
from slipway.core.deployment.states import Kind, State
from slipway.domain import intents
from slipway.errors import DependencyUnavailable, SlipwayError
from slipway.models import App, Deployment, now

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the work stops. `lost`: without a word, the deployment is in other hands."""

    state: State = State.CANCELLED
    why: str = ""
    lost: bool = False
    remedy: str = ""
    reason: str = ""
    live: LiveTree | None = None
    """It stops for being the same as this, if that still is what is live."""

    @classmethod
    def by(cls, verdict: Verdict) -> Self:
        return cls(verdict.end, verdict.why, remedy=verdict.remedy, reason=verdict.reason, live=verdict.live)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one beat found."""

    stop: Stop | None = None
    newer_push: int | None = None
    """A later push of the same branch, whose arrival calls for a look at the branch's head."""


class Heartbeat:
    """Beats every `interval_s` in a thread of its own, for the length of a `with` block.

    `is_stale` compares the push with its branch's head; it is asked once for every newer push, apart from the beats,
    since it waits for the network. Silence longer than `lapse_s` ends the work: another worker may have it by then.
    """

    def __init__(
        self,
        lease: Lease,
        *,
        interval_s: float,
        lapse_s: float,
        is_stale: Callable[[], Verdict],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease
        self._interval_s = interval_s
        self._lapse_s = lapse_s
        self._is_stale = is_stale
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []
        self._looked_at: int | None = None
        self._clock = clock
        self._heard_at = clock()
        """When the last beat that was written began. It is dated then at the latest: the row is no younger."""
        self.stop: Stop | None = None

    def __enter__(self) -> Self:
        self._in_thread(self._beat_on, "heart")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def stopped(self) -> bool:
        """Shall the work stop? Too long a silence is noticed here, too: a beat may be waiting for the database."""
        if self.stop is None and self._is_silent():
            self.stop = Stop(lost=True)
        return self.stop is not None

    def _in_thread(self, work: Callable[[], None], name: str) -> None:
        context = contextvars.copy_context()  # the ids on every line of the log
        thread = threading.Thread(target=context.run, args=(work,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _beat_on(self) -> None:
        while not self._end.wait(self._interval_s) and not self.stopped():
            self.beat()

    def beat(self) -> None:
        """One beat: write the time, look around."""
        began = self._clock()
        try:
            seen = self._look()
            self._heard_at = began
        except LeaseLost:
            seen = Seen(Stop(lost=True))
        except DependencyUnavailable as error:
            log.warning("no heartbeat: the database does not answer", extra={"why": error.message})
            seen = Seen()
        except Exception:  # the boundary of a thread: a heart that ended would say nothing
            log.exception("no heartbeat: a fault of ours")
            seen = Seen()
        self.stop = self.stop or seen.stop
        if seen.newer_push and seen.newer_push != self._looked_at and not self.stop:
            self._looked_at = seen.newer_push
            self._in_thread(self._look_at_branch, "branch")

    def _is_silent(self) -> bool:
        return self._clock() - self._heard_at >= self._lapse_s

    def _look(self) -> Seen:
        with self._lease.write() as (session, row):
            row.heartbeat_at = now()
            if row.stop_requested:
                return Seen(Stop(State(row.stop_requested), row.stop_why))
            if session.get_one(App, row.app_id).deleted_at is not None:
                return Seen(Stop(State.CANCELLED, "the app is being deleted"))
            live = intents.live_deployment(session, row.app_id, row.environment)
            verdict = may_switch(row.candidate(), live.candidate() if live else None)
            if not verdict.goes_on:
                return Seen(Stop.by(verdict))
            return Seen(newer_push=_newer_push(session, row))

    def _look_at_branch(self) -> None:
        try:
            verdict = self._is_stale()
        except SlipwayError as error:
            log.info("the branch's head can't be seen", extra={"why": error.message})
            self._looked_at = None
            return
        if verdict is not GOES_ON and not verdict.goes_on and self.stop is None:
            self.stop = Stop.by(verdict)


def _newer_push(session: Session, row: Deployment) -> int | None:
    if row.kind != Kind.PUSH:
        return None
    query = select(Deployment.id).filter_by(
        app_id=row.app_id, environment=row.environment, kind=str(Kind.PUSH), ref=row.ref
    )
    newer = query.where(Deployment.sequence > row.sequence, Deployment.commit_sha != row.commit_sha)
    return session.scalar(newer.order_by(Deployment.sequence.desc()).limit(1))
