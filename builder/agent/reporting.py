"""Reports how deployments are: their logs are closed when they end, and the forge gets a commit status.

What is not reported yet is found by the deployments' rows, so an agent that was killed, or a forge that was down, only
delays a report. A row is marked as reported after the forge took the status: a status may be sent twice, and the last
one sent is the right one. Sending happens in one thread beside the agent's passes, one status after the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import update

from builder.agent.reports.github import GitHubReporting
from builder.agent.reports.unreported import Unreported, unreported
from slipway.adapters.git.commit_status import CommitStatuses
from slipway.adapters.git.status_apis import CommitStatus, StatusState
from slipway.core.deployment.states import State
from slipway.core.github import reports
from slipway.core.rollout.backoff import delay_s
from slipway.db import Database
from slipway.errors import DependencyUnavailable
from slipway.models import Deployment, now
from slipway.ports.logs import DeploymentLog

log = logging.getLogger(__name__)

_WHY = "agent: report how deployments end"

STATUSES: Mapping[State, tuple[StatusState, str]] = {
    State.QUEUED: ("pending", "is queued"),
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
        with self._db.read(platform=_WHY) as session:
            return unreported(session, with_statuses=self._statuses.are_sent)

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

    def __init__(
        self,
        forge: CommitStatuses,
        public_url: str,
        github: GitHubReporting | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._forge = forge
        self._github = github
        self._public_url = public_url
        self._clock = clock
        self._shown: dict[int, str] = {}
        """What was sent of unfinished deployments: that they are queued, or in progress. After a restart it is sent
        once more."""
        self._failures: dict[int, int] = {}
        """App → failures in a row."""
        self._waits_until: dict[int, float] = {}
        """App → when its next status is tried."""

    @property
    def are_sent(self) -> bool:
        return self._forge.are_sent

    def send_all(self, found: Sequence[Unreported], mark: Callable[[Unreported], None]) -> None:
        """Send what is due, and mark what has ended once that is sent."""
        unfinished = {each.id for each in found if not each.has_ended}
        self._shown = {number: shown for number, shown in self._shown.items() if number in unfinished}
        for each in found:
            if not each.has_ended and (self._shown.get(each.id) == _step(each) or not each.is_of_commit):
                continue
            if self._waits_until.get(each.app_id, 0.0) <= self._clock():
                self._try(each, mark)

    def _try(self, each: Unreported, mark: Callable[[Unreported], None]) -> None:
        try:
            self._send(each)
            if each.has_ended:
                mark(each)
            else:
                self._shown[each.id] = _step(each)
        except DependencyUnavailable as error:
            self._put_off(each, error.message)
        except Exception as error:
            log.exception("a status could not be sent", extra={"deployment": each.id})
            self._put_off(each, str(error))
        else:
            self._failures.pop(each.app_id, None)

    def _send(self, each: Unreported) -> None:
        if not each.is_of_commit:
            return
        if not each.is_back and each.was_over_by(now() - GIVEN_UP_AFTER):
            log.warning("commit status given up", extra={"deployment": each.id, "state": str(each.state)})
            return
        if not self._is_sent_by_app(each) and each.concerns_commit:
            self._forge.send(commit_status(each, self._public_url))

    def _is_sent_by_app(self, each: Unreported) -> bool:
        if self._github is None:
            return False
        has_check = each.concerns_commit or not each.has_ended
        return self._github.send(
            each.id, each.tenant_id, is_wanted=each.is_news or each.concerns_commit, has_check=has_check
        )

    def _put_off(self, each: Unreported, why: str) -> None:
        failures = self._failures[each.app_id] = self._failures.get(each.app_id, 0) + 1
        self._waits_until[each.app_id] = self._clock() + delay_s(failures)
        if failures == 1:
            log.warning("commit status is sent later", extra={"deployment": each.id, "why": why})


def _step(each: Unreported) -> str:
    return reports.ROWS[each.state].check
