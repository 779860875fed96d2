"""Which moves are legal, and when a certificate needs a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.certificates.states import Progress, State, is_due, move
from slipway.errors import Conflict

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LAPSE = timedelta(seconds=15)
PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
ALIVE, SILENT = NOW - timedelta(seconds=2), NOW - timedelta(seconds=20)


@pytest.mark.parametrize(
    ("progress", "due"),
    [
        (Progress(State.WAITING), True),
        (Progress(State.WAITING, next_attempt_at=FUTURE), False),
        (Progress(State.WAITING, next_attempt_at=PAST), True),
        (Progress(State.WAITING, heartbeat_at=ALIVE), False),
        (Progress(State.CHECKING, heartbeat_at=ALIVE), False),
        (Progress(State.CHECKING, heartbeat_at=SILENT), True),
        (Progress(State.ISSUING, heartbeat_at=SILENT, next_attempt_at=FUTURE), True),
        (Progress(State.ISSUED, renew_at=FUTURE, ask_window_at=FUTURE), False),
        (Progress(State.ISSUED, renew_at=PAST, ask_window_at=FUTURE), True),
        (Progress(State.ISSUED, renew_at=FUTURE, ask_window_at=PAST), True),
        (Progress(State.ISSUED, renew_at=PAST, next_attempt_at=FUTURE), False),
        (Progress(State.ISSUED, renew_at=FUTURE, heartbeat_at=SILENT), True),
        (Progress(State.FAILED), False),
        (Progress(State.FAILED, heartbeat_at=SILENT), False),
        (Progress(State.REMOVED), True),
        (Progress(State.REMOVED, next_attempt_at=FUTURE), False),
    ],
)
def test_when_a_job_is_due(progress: Progress, due: bool) -> None:
    assert is_due(progress, NOW, LAPSE) is due


def test_moves() -> None:
    assert move(State.WAITING, State.CHECKING) is State.CHECKING
    assert move(State.ISSUED, State.ISSUED) is State.ISSUED
    with pytest.raises(Conflict):
        move(State.WAITING, State.ISSUED)
    with pytest.raises(Conflict):
        move(State.FAILED, State.ISSUED)
