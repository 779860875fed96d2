"""How a run ended, in a state and a sentence."""

from __future__ import annotations

import pytest

from slipway.core.rollout.crash import Crash
from slipway.core.runs.ends import end_of
from slipway.core.runs.states import RunState, Stop


@pytest.mark.parametrize(
    ("exit_code", "oom", "stop", "state", "reason", "detail"),
    [
        (0, False, None, RunState.SUCCEEDED, "", ""),
        (3, False, None, RunState.FAILED, "exit-code", "it ended: exit code 3"),
        (137, True, None, RunState.FAILED, "out-of-memory", "it ended: out of memory (256 MB)"),
        (143, False, Stop.TIMED_OUT, RunState.FAILED, "timed-out", "it did not end within 90.0 s, and was stopped"),
        (143, False, Stop.CANCELLED, RunState.CANCELLED, "cancelled", "somebody stopped it"),
        (0, False, Stop.REPLACED, RunState.CANCELLED, "replaced", "the next run of its schedule took its place"),
        (None, False, Stop.APP_DELETED, RunState.CANCELLED, "app-deleted", "its app is deleted"),
    ],
)
def test_each_end_has_a_state_a_reason_and_a_sentence(
    exit_code: int | None, oom: bool, stop: Stop | None, state: RunState, reason: str, detail: str
) -> None:
    found = end_of(Crash("c", 0.0, exit_code, oom, 256 << 20), stop, timeout_s=90)
    assert (found.state, found.reason, found.detail, found.exit_code) == (state, reason, detail, exit_code)
