"""The states of a certificate, and when there is work for a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from slipway.errors import Conflict


class State(StrEnum):
    WAITING = "waiting"
    """It shall be issued: now, or at the next attempt's time."""
    CHECKING = "checking"
    """A job sees whether the authority would find what it needs."""
    ISSUING = "issuing"
    """A job asks the authority."""
    ISSUED = "issued"
    """It is served. It stays in this state while it is renewed."""
    FAILED = "failed"
    """No attempt follows until somebody has done what the remedy says and asks for another one."""
    REMOVED = "removed"
    """It shall be revoked and deleted, and is served no longer."""


IN_JOB = frozenset({State.CHECKING, State.ISSUING})
LEGAL: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.CHECKING, State.REMOVED}),
    State.CHECKING: frozenset({State.ISSUING, State.ISSUED, State.WAITING, State.FAILED, State.REMOVED}),
    State.ISSUING: frozenset({State.ISSUED, State.WAITING, State.FAILED, State.REMOVED}),
    State.ISSUED: frozenset({State.WAITING, State.REMOVED}),
    State.FAILED: frozenset({State.WAITING, State.REMOVED}),
    State.REMOVED: frozenset({State.WAITING, State.ISSUED}),
}


def move(old: State, new: State) -> State:
    """The new state.

    Raises:
        Conflict: no certificate moves so.
    """
    if new is not old and new not in LEGAL[old]:
        raise Conflict(f"a certificate that is {old} can't become {new}")
    return new


@dataclass(frozen=True, slots=True)
class Progress:
    """What decides whether a certificate needs a job."""

    state: State
    next_attempt_at: datetime | None = None
    renew_at: datetime | None = None
    ask_window_at: datetime | None = None
    heartbeat_at: datetime | None = None


def is_claimed(progress: Progress, now: datetime, lapse: timedelta) -> bool:
    """Whether a job works on it and lives."""
    return progress.heartbeat_at is not None and progress.heartbeat_at > now - lapse


def is_due(progress: Progress, now: datetime, lapse: timedelta) -> bool:
    """Whether a job has to begin now. A job that was killed is followed by another as soon as that shows."""
    if progress.state == State.FAILED or is_claimed(progress, now, lapse):
        return False
    if progress.state in IN_JOB or progress.heartbeat_at is not None:
        return True
    if progress.next_attempt_at is not None and progress.next_attempt_at > now:
        return False
    return progress.state != State.ISSUED or _is_past(progress.renew_at, now) or _is_past(progress.ask_window_at, now)


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
