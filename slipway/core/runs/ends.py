"""How a run ended, in a state and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.rollout.crash import Crash, more_memory
from slipway.core.runs.states import CANCELLED, FAILED, SUCCEEDED, RunState, Stop
from slipway.core.text.amounts import seconds

_WHY = {
    Stop.CANCELLED: "somebody stopped it",
    Stop.REPLACED: "the next run of its schedule took its place",
    Stop.APP_DELETED: "its app is deleted",
}


@dataclass(frozen=True, slots=True)
class RunEnd:
    state: RunState
    reason: str = ""
    """A stable code; empty for one that succeeded."""
    detail: str = ""
    remedy: str = ""
    exit_code: int | None = None


LOST = RunEnd(
    FAILED,
    "container-lost",
    "its container was removed, and how it ended is not known",
    "run it again, if it may run twice",
)


def end_of(crash: Crash, stop: Stop | None, timeout_s: float) -> RunEnd:
    """Of a program that has ended, by itself or because of `stop`."""
    if stop is Stop.TIMED_OUT:
        detail = f"it did not end within {seconds(timeout_s)}, and was stopped"
        return RunEnd(FAILED, str(stop), detail, "make it faster, or allow it more time: --timeout", crash.exit_code)
    if stop is not None:
        return RunEnd(CANCELLED, str(stop), _WHY[stop], exit_code=crash.exit_code)
    if crash.exit_code == 0:
        return RunEnd(SUCCEEDED, exit_code=0)
    remedy = more_memory(crash.memory_bytes) if crash.out_of_memory else ""
    reason = "out-of-memory" if crash.out_of_memory else "exit-code"
    return RunEnd(FAILED, reason, f"it ended: {crash.cause}", remedy, crash.exit_code)


def stopped_unbegun(stop: Stop) -> RunEnd:
    return RunEnd(CANCELLED, str(stop), _WHY.get(stop, "it was stopped before it began"))
