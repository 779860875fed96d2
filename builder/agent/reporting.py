"""Reports how deployments are: their logs are closed when they end, and the forge gets a commit status.

What is not reported yet is found by the deployments' rows, so an agent that was killed, or a forge that was down, only
delays a report. A row is marked as reported after the forge took the status: a status may be sent twice, and the last
one sent is the right one. Sending happens in one thread beside the agent's passes, one status after the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update

from slipway.adapters.git.commit_status import CommitStatuses
from slipway.adapters.git.status_apis import CommitStatus, StatusState
from slipway.core.deployment.states import ENDED, UNFINISHED, State
from slipway.core.rollout.backoff import delay_s
from slipway.db import Database
from slipway.errors import DependencyUnavailable
from slipway.models import App, Deployment, Tenant, now
from slipway.ports.logs import DeploymentLog

log = logging.getLogger(__name__)

_WHY = "agent: report how deployments end"

STATUSES: Mapping[State, tuple[StatusState, str]] = {
    State.FETCHING: ("pending", "is being deployed"),
    State.BUILDING: ("pending", "is being deployed"),
    State.STARTING: ("pending", "is being deployed"),
    State.LIVE: ("success", "is live"),
    State.RETIRED: ("success", "was live"),
    State.SKIPPED: ("success", "was skipped"),
    State.FAILED: ("failure", "failed"),
    State.CANCELLED: ("error", "was cancelled"),
    State.SUPERSEDED: ("error", "was superseded"),
}
"""What the forge is sent for a deployment in each state."""

EVERY_S = 0.5
"""How often the agent looks for what has ended. Readers of a log wait for its end."""
GIVEN_UP_AFTER = timedelta(days=1)
"""The forge was down for so long: the status is sent no more."""


@dataclass(frozen=True, slots=True)
class Unreported:
    """A deployment, as far as reports need it."""

    state: State
    id: int
    app_id: int
    source: str
    commit_sha: str
    detail: str
    started_at: datetime | None
    """When a worker began; None of one that no worker was at."""
    live_at: datetime | None
    ended_at: datetime | None
    repository: str
    app: str
    tenant: str

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def has_log(self) -> bool:
        """Is there a log that nobody will write to any more?"""
        return self.has_ended and self.started_at is not None

    @property
    def concerns_commit(self) -> bool:
        """Does its state say something of the commit? That of a rollback or a configuration change only does when it
        was live and failed."""
        gave_way = self.state is State.FAILED and self.live_at is not None
        is_of_one = self.source == "git" and bool(self.commit_sha) and bool(self.repository)
        return is_of_one and (self.started_at is not None or gave_way)

    def was_over_by(self, moment: datetime) -> bool:
        """Did it end, or go live, before that moment?"""
        at = self.ended_at or self.live_at
        return at is not None and at < moment


def commit_status(each: Unreported, public_url: str) -> CommitStatus:
    """The status for the state that the deployment is in."""
    state, verb = STATUSES[each.state]
    what = f"{verb}: {each.detail}" if each.detail else verb
    return CommitStatus(
        repository=each.repository,
        commit_sha=each.commit_sha,
        state=state,
        tenant=each.tenant,
        app=each.app,
        description=f"{each.app} {what}",
        target_url=f"{public_url.rstrip('/')}/deployments/{each.id}",
    )


class Reporting:
    """Closes logs and has statuses sent. `look` is called every `EVERY_S`, in one thread."""

    def __init__(
        self, db: Database, logs: DeploymentLog, statuses: StatusSender, *, executor: Executor | None = None
    ) -> None:
        self._db = db
        self._logs = logs
        self._statuses = statuses
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix="report")
        self._sending = threading.Lock()
        self._closed: frozenset[int] = frozenset()
        """Deployments whose logs are closed, of those that are not marked yet."""
        self._closed_later: frozenset[int] = frozenset()
        """Deployments whose logs could not be closed by the last look, which is logged once."""

    def look(self) -> None:
        """Close the logs of what has ended, then have what is due sent; when something is being sent already, a later
        look does."""
        found = self._unreported()
        self._closed_later = frozenset(each.id for each in found if each.has_log and not self._is_closed(each.id))
        ready = [each for each in found if each.id not in self._closed_later]
        self._closed = frozenset(each.id for each in ready if each.has_log)
        if ready and self._sending.acquire(blocking=False):
            self._executor.submit(self._send, ready)

    def _unreported(self) -> list[Unreported]:
        """In the order of what is reported: an end, else the moment of going live, else the worker's start."""
        unmarked = Deployment.reported_state.is_(None) & _is_in(ENDED)
        failed_later = Deployment.reported_state.in_([str(State.LIVE), str(State.RETIRED)]) & _is_in([State.FAILED])
        with_worker = _is_in(UNFINISHED - {State.QUEUED}) & Deployment.started_at.is_not(None)
        wanted = [unmarked, failed_later, *([with_worker] if self._statuses.are_sent else [])]
        happened_at = func.coalesce(*_MOMENTS)
        query = _COLUMNS.where(or_(*wanted)).order_by(happened_at, Deployment.id)
        with self._db.read(platform=_WHY) as session:
            return [Unreported(State(state), *others) for state, *others in session.execute(query)]

    def _is_closed(self, deployment_id: int) -> bool:
        """Close the log, unless an earlier look did."""
        if deployment_id in self._closed:
            return True
        try:
            self._logs.finish(deployment_id)
        except OSError as error:
            if deployment_id not in self._closed_later:
                log.warning("a log is closed later", extra={"deployment": deployment_id, "why": str(error)})
            return False
        return True

    def _send(self, found: Sequence[Unreported]) -> None:
        try:
            self._statuses.send_all(found, self._mark)
        finally:
            self._sending.release()

    def _mark(self, each: Unreported) -> None:
        """Its end is reported. A later state, such as of a release that gave way, is due again."""
        with self._db.write(platform=_WHY) as session:
            row = update(Deployment).where(Deployment.id == each.id)
            session.execute(row.values(reported_state=str(each.state)))


class StatusSender:
    """Sends statuses one after the other. An app whose status could not be sent waits, longer each time, and its later
    ones with it, so that the order stays; other apps' are sent meanwhile."""

    def __init__(self, forge: CommitStatuses, public_url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._forge = forge
        self._public_url = public_url
        self._clock = clock
        self._shown_pending: set[int] = set()
        """Unfinished deployments whose `pending` was sent. After a restart it is sent once more."""
        self._failures: dict[int, int] = {}
        """App → failures in a row."""
        self._waits_until: dict[int, float] = {}
        """App → when its next status is tried."""

    @property
    def are_sent(self) -> bool:
        return self._forge.are_sent

    def send_all(self, found: Sequence[Unreported], mark: Callable[[Unreported], None]) -> None:
        """Send what is due, and mark what has ended once that is sent."""
        self._shown_pending &= {each.id for each in found}
        for each in found:
            if not each.has_ended and (each.id in self._shown_pending or not each.concerns_commit):
                continue
            if self._waits_until.get(each.app_id, 0.0) <= self._clock():
                self._try(each, mark)

    def _try(self, each: Unreported, mark: Callable[[Unreported], None]) -> None:
        try:
            self._send(each)
            if each.has_ended:
                mark(each)
            else:
                self._shown_pending.add(each.id)
        except DependencyUnavailable as error:
            self._put_off(each, error.message)
        except Exception as error:
            log.exception("a status could not be sent", extra={"deployment": each.id})
            self._put_off(each, str(error))
        else:
            self._failures.pop(each.app_id, None)

    def _send(self, each: Unreported) -> None:
        if not each.concerns_commit:
            return
        if each.was_over_by(now() - GIVEN_UP_AFTER):
            log.warning("commit status given up", extra={"deployment": each.id, "state": str(each.state)})
            return
        self._forge.send(commit_status(each, self._public_url))

    def _put_off(self, each: Unreported, why: str) -> None:
        failures = self._failures[each.app_id] = self._failures.get(each.app_id, 0) + 1
        self._waits_until[each.app_id] = self._clock() + delay_s(failures)
        if failures == 1:
            log.warning("commit status is sent later", extra={"deployment": each.id, "why": why})


_MOMENTS = (Deployment.ended_at, Deployment.live_at, Deployment.started_at, Deployment.created_at)

_COLUMNS = (
    select(
        Deployment.state,
        Deployment.id,
        Deployment.app_id,
        Deployment.source,
        Deployment.commit_sha,
        Deployment.detail,
        Deployment.started_at,
        Deployment.live_at,
        Deployment.ended_at,
        App.repository,
        App.name,
        Tenant.name,
    )
    .join(App, App.id == Deployment.app_id)
    .join(Tenant, Tenant.id == Deployment.tenant_id)
)
"""In the order of `Unreported`'s fields."""


def _is_in(states: Iterable[State]) -> ColumnElement[bool]:
    return Deployment.state.in_([str(state) for state in states])
