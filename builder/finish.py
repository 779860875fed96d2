"""How an attempt ends without an image: the deployment failed, was stopped, or goes back into the queue.

The last line of the log is written before the row: once the row says that the deployment has ended, the agent closes
the log.
"""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from builder.attempt import Attempt
from builder.dependencies import Dependencies
from builder.lease import Lease, LeaseLost, Stop
from builder.live_image import live_tree, unfinished
from slipway.adapters.vault import SealBroken
from slipway.core.deployment.ordering import superseded_by_skip
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import Deployment

log = logging.getLogger(__name__)


def fail(attempt: Attempt, error: DeploymentFailed) -> State | None:
    """End the deployment as failed, or as somebody asked for meanwhile. None: the lease is lost."""
    redact = attempt.output.redact
    error.message, error.cause = redact(error.message), redact(error.cause)
    error.remedy, error.tail = redact(error.remedy), redact(error.tail)
    attempt.output.line(f"{error.reason}: {error.sentence}")
    try:
        with attempt.lease.write() as (_, row):
            if row.stop_requested:
                lifecycle.stop(row, State(row.stop_requested), row.stop_why)
            else:
                lifecycle.fail(row, error)
            state = State(row.state)
    except LeaseLost:
        return None
    attempt.dependencies.queue.wake_agent(attempt.work.app_id)
    log.info("failed", extra={"reason": error.reason, "why": error.sentence})
    return state


def fail_unopened(dependencies: Dependencies, lease: Lease, error: Exception) -> State | None:
    """Fail a deployment whose attempt could not even be set up."""
    if isinstance(error, SealBroken):
        failure = DeploymentFailed("secret-unreadable", error.message, remedy=error.remedy)
    else:
        log.error("a fault of ours", exc_info=error)
        failure = internal_fault(lease.work.deployment_id)
    with lease.write() as (_, row):
        lifecycle.fail(row, failure)
    dependencies.queue.wake_agent(lease.work.app_id)
    return State.FAILED


def internal_fault(deployment_id: int) -> DeploymentFailed:
    return DeploymentFailed(
        "internal",
        "Slipway stumbled over a fault of its own.",
        remedy="try again: slipway deploy; the host's owner finds the fault in the worker's log, "
        f"at deployment {deployment_id}",
    )


def stop(attempt: Attempt) -> State | None:
    """End the deployment in the state that the heartbeat or a verdict asks for. None: it was handed back, because the
    worker ends or what the verdict was about has changed, or the lease is lost."""
    asked = attempt.heartbeat.stop
    if asked is None:
        hand_back(attempt, "the worker was restarted")
        return None
    if asked.lease_lost:
        log.warning("stopped: the lease is lost")
        return None
    try:
        is_written = _write_stop(attempt, asked)
    except LeaseLost:
        return None
    if not is_written:
        hand_back(attempt, "another release went live meanwhile")
        return None
    attempt.dependencies.queue.wake_agent(attempt.work.app_id)
    log.info("stopped", extra={"state": str(asked.state), "why": asked.why})
    return asked.state


def _write_stop(attempt: Attempt, asked: Stop) -> bool:
    """False: what the push was compared with is live no longer, so it has to be compared again."""
    if asked.live is None:
        with attempt.lease.write() as (_, row):
            _end_as_asked(attempt, row, asked)
        return True
    with attempt.lease.write_in_order() as (session, row):
        if live_tree(session, attempt.work) != asked.live:
            return False
        _supersede_earlier(attempt, session)
        _end_as_asked(attempt, row, asked)
    return True


def _end_as_asked(attempt: Attempt, row: Deployment, asked: Stop) -> None:
    """The lease is held, so the end is certain, and the row is committed after the line."""
    attempt.output.line(f"{asked.state}: {asked.why}")
    lifecycle.stop(row, asked.state, asked.why, asked.remedy, asked.reason)


def _supersede_earlier(attempt: Attempt, session: Session) -> None:
    """The branch's head asks for what is live already: no older push that is unfinished may replace it."""
    rows = {row.id: row for row in unfinished(session, attempt.work)}
    why = f"the branch has moved on to {attempt.work.commit_sha[:7]}, which changes nothing of what is live"
    for each in superseded_by_skip(attempt.work.candidate, [row.candidate() for row in rows.values()]):
        lifecycle.request_stop(rows[each.id], State.SUPERSEDED, why)


def hand_back(attempt: Attempt, why: str) -> None:
    """Put the deployment back into the queue, as a new attempt that any worker can claim at once.

    Raises:
        DatabaseAway: the row can't be written; the agent requeues it when the heartbeat is old enough.
    """
    attempt.output.line(f"{why}; another worker takes over")
    try:
        with attempt.lease.write() as (_, row):
            lifecycle.end_step(row, ok=False, note=why)
            lifecycle.advance(row, State.QUEUED)
            row.attempt += 1
            row.heartbeat_at = None
            next_attempt = row.attempt
    except LeaseLost:
        return
    attempt.dependencies.queue.enqueue_build(attempt.work.deployment_id, next_attempt)
    log.info("handed back", extra={"why": why})
