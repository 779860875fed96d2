"""A deployment's way from queued to starting: claimed, its image made or fetched by its source; then the rollout is
followed to its end.

Every job can run twice, and at any moment another worker may have been given the deployment: each write goes through
the hold, which checks. Whatever ends the work, its processes and its sources are gone before the row says so.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.attempt import Attempt, shutdown_requested
from builder.dependencies import Dependencies, connected
from builder.heartbeat import Stop
from builder.lease import Lease, LeaseLost, claim
from builder.live_image import live_tree, unfinished
from builder.sources.source import SOURCES, Source
from slipway import logs, settings
from slipway.adapters.git.commit_status import StatusState
from slipway.adapters.vault import SealBroken
from slipway.core.deployment.ordering import Verdict, superseded_by_skip
from slipway.core.deployment.states import ENDED, State
from slipway.db import DatabaseAway
from slipway.domain import lifecycle
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.models import Deployment
from slipway.ports.building import Interrupted

log = logging.getLogger(__name__)

FOLLOW_S = 3300.0
FOLLOW_POLL_S = 0.25
_STATUS: dict[State, tuple[StatusState, str]] = {
    State.LIVE: ("success", "is live"),
    State.RETIRED: ("success", "was live"),
    State.SKIPPED: ("success", "was skipped"),
    State.FAILED: ("failure", "failed"),
    State.CANCELLED: ("error", "was cancelled"),
    State.SUPERSEDED: ("error", "was superseded"),
}


def build(deployment_id: int, attempt: int) -> dict[str, Any]:
    """The job. Its result is the deployment's outcome: `{"state": …}`; `{"state": None}` when there was nothing to do.

    Raises:
        SlipwayError: the database or the key file is away; the heartbeat lapses and the agent hands it out again.
    """
    with logs.bind(deployment=deployment_id, attempt=attempt), connected(settings.load()) as dependencies:
        lease = claim(dependencies.db, deployment_id, attempt)
        if lease is None:
            log.info("nothing to do: done before, ended, or handed out again")
            return {"state": None}
        log.info("claimed", extra={"tenant": lease.work.tenant, "app": lease.work.app, "commit": lease.work.commit_sha})
        return work_on(dependencies, lease)


def work_on(dependencies: Dependencies, lease: Lease) -> dict[str, Any]:
    """Work on what was claimed, to its end."""
    try:
        job = Job(dependencies, lease)
    except SealBroken as error:
        return _failed_at_once(lease, DeploymentFailed("secret-unreadable", error.message, remedy=error.remedy))
    except Exception:
        log.exception("a fault of ours")
        return _failed_at_once(lease, _internal(lease.work.deployment_id))
    return job.run()


def _failed_at_once(lease: Lease, error: DeploymentFailed) -> dict[str, Any]:
    with lease.write() as (_, row):
        lifecycle.fail(row, error)
    return {"state": str(State.FAILED)}


def end_with_the_worker() -> None:
    """SIGTERM hands the work back instead of dropping it. For the work-horse's main thread."""

    def on_sigterm(_signal: int, _frame: FrameType | None) -> None:
        shutdown_requested.set()

    signal.signal(signal.SIGTERM, on_sigterm)


class Job:
    """One attempt at one deployment."""

    def __init__(self, dependencies: Dependencies, lease: Lease) -> None:
        self._dependencies = dependencies
        self._lease = lease
        self._work = lease.work
        self._attempt = Attempt(dependencies, lease, is_stale=self._is_stale)
        self._output = self._attempt.output
        self._heartbeat = self._attempt.heartbeat
        self._source: Source = SOURCES[lease.work.source](self._attempt)
        self._reported: State | None = None

    def run(self) -> dict[str, Any]:
        """From claimed to the end of the rollout."""
        with self._heartbeat:
            reached = self._guarded(self._source.make_image)
        if reached is None:
            return {"state": None}
        if reached is State.STARTING:
            self._follow()
        else:
            self._report_status()
        self._dependencies.statuses.settle()
        self._correct_status()
        outcome = self._lease.outcome()
        return {"state": str(outcome) if outcome else None}

    def _is_stale(self) -> Verdict:
        return self._source.is_stale()

    # how it ends

    def _guarded(self, work: Callable[[], None]) -> State | None:
        """Do the work, and write down how it ended. None: it was no longer ours to end."""
        try:
            work()
        except LeaseLost:
            log.warning("the deployment is in other hands; nothing was written")
        except DatabaseAway as error:
            log.warning("the database was away", extra={"why": error.message})
            self._hand_back("the database was away for a moment")
        except Interrupted:
            return self._stop(self._heartbeat.stop)
        except DeploymentFailed as error:
            return self._fail(error)
        except SlipwayError as error:
            log.warning("could not go on", extra={"why": error.message})
            return self._fail(DeploymentFailed("unavailable", error.message, remedy=error.remedy))
        except Exception:
            log.exception("a fault of ours")
            return self._fail(_internal(self._work.deployment_id))
        else:
            return State.STARTING
        return None

    def _stop(self, stop: Stop | None) -> State | None:
        if stop is None:
            self._hand_back("the worker was restarted")
            return None
        if stop.lost:
            log.warning("stopped: the deployment is in other hands")
            return None
        try:
            stopped = self._write_stop(stop)
        except LeaseLost:
            return None
        if not stopped:
            self._hand_back("what is live was changed meanwhile")
            return None
        self._output.line(f"{stop.state}: {stop.why}")
        self._dependencies.log.finish(self._work.deployment_id)
        log.info("stopped", extra={"state": str(stop.state), "why": stop.why})
        return stop.state

    def _write_stop(self, stop: Stop) -> bool:
        """False: what the push was the same as is no longer what is live, so that this has to be decided again."""
        if stop.live is None:
            with self._lease.write() as (_, row):
                lifecycle.stop(row, stop.state, stop.why, stop.remedy, stop.reason)
            return True
        with self._lease.write_in_order() as (session, row):
            if live_tree(session, self._work) != stop.live:
                return False
            superseded = self._supersede_earlier(session)
            lifecycle.stop(row, stop.state, stop.why, stop.remedy, stop.reason)
        if superseded:
            self._dependencies.queue.wake_agent(self._work.app_id)
        return True

    def _supersede_earlier(self, session: Session) -> bool:
        """What is live is what the branch's head asks for: no older push that is on its way may replace it."""
        rows = {row.id: row for row in unfinished(session, self._work)}
        superseded = superseded_by_skip(self._work.candidate, [row.candidate() for row in rows.values()])
        for each in superseded:
            why = f"the branch has moved on to {self._work.commit_sha[:7]}, which changes nothing of what is live"
            lifecycle.request_stop(rows[each.id], State.SUPERSEDED, why)
        return bool(superseded)

    def _hand_back(self, why: str) -> None:
        """The next worker takes the deployment over, at once.

        Raises:
            DatabaseAway: still, or again; the heartbeat lapses and the agent hands it out.
        """
        try:
            with self._lease.write() as (_, row):
                lifecycle.end_step(row, ok=False, note=why)
                lifecycle.advance(row, State.QUEUED)
                row.attempt += 1
                row.heartbeat_at = None
                attempt = row.attempt
        except LeaseLost:
            return
        self._output.line(f"{why}; another worker takes over")
        self._dependencies.queue.enqueue_build(self._work.deployment_id, attempt)
        log.info("handed back", extra={"why": why})

    def _fail(self, error: DeploymentFailed) -> State | None:
        redact = self._output.redact
        error.message, error.remedy, error.tail = map(redact, (error.message, error.remedy, error.tail))
        try:
            with self._lease.write() as (_, row):
                if row.stop_requested:
                    lifecycle.stop(row, State(row.stop_requested), row.stop_why)
                else:
                    lifecycle.fail(row, error)
                state = State(row.state)
        except LeaseLost:
            return None
        self._output.line(f"{error.reason}: {error.message}")
        self._dependencies.log.finish(self._work.deployment_id)
        log.info("failed", extra={"reason": error.reason, "why": error.message})
        return state

    # after it

    def _follow(self) -> None:
        """Wait for its outcome. Live is one: that old replicas still drain, which may take minutes, holds no worker."""
        deadline = time.monotonic() + FOLLOW_S
        while not shutdown_requested.wait(FOLLOW_POLL_S) and time.monotonic() < deadline:
            with suppress(DatabaseAway):  # the rollout is not ours, and goes on meanwhile
                state = self._lease.outcome()
                if state is None:
                    return
                if state in ENDED:
                    self._report_status()
                    self._dependencies.log.finish(self._work.deployment_id)
                    return

    def _report_status(self) -> None:
        with self._dependencies.db.read(tenant_id=self._work.tenant_id) as session:
            row = session.scalar(select(Deployment).filter_by(id=self._work.deployment_id))
        if row is None or State(row.state) not in _STATUS:
            return
        self._reported = State(row.state)
        status, verb = _STATUS[self._reported]
        self._source.report(status, f"{verb}: {row.detail}" if row.detail else verb)

    def _correct_status(self) -> None:
        """One that was live may have given way while that was sent. Later the agent reports it."""
        with suppress(DatabaseAway):
            if self._reported is State.LIVE and self._lease.outcome() is State.FAILED:
                self._report_status()
                self._dependencies.statuses.settle()


def _internal(deployment_id: int) -> DeploymentFailed:
    return DeploymentFailed(
        "internal",
        "Slipway stumbled over a fault of its own.",
        remedy="try again: slipway deploy; the host's owner finds the fault in the worker's log, "
        f"at deployment {deployment_id}",
    )
