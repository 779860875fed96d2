"""What the agent does next about a run: from its row and its container, without I/O."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.runs.states import PENDING, RunState, Stop


@dataclass(frozen=True, slots=True)
class Container:
    """A run's container as the runtime lists it."""

    id: str
    running: bool
    exit_code: int | None
    oom_killed: bool
    started_at: float | None
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run that is pending or running."""

    state: RunState
    timeout_s: float
    stop: Stop | None
    """Why somebody wants it to end; None: nobody does."""
    began_at: float | None
    """By its row, in Unix seconds."""
    container: Container | None


@dataclass(frozen=True, slots=True)
class Begin:
    """Start its container; one that is there already is adopted."""


@dataclass(frozen=True, slots=True)
class EndUnbegun:
    """It is to stop, and no container was recorded for it."""

    stop: Stop


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Its program has to end."""

    container: Container
    stop: Stop


@dataclass(frozen=True, slots=True)
class Record:
    """Its program has ended: keep the output, record the end, remove the container."""

    container: Container


@dataclass(frozen=True, slots=True)
class RecordLost:
    """Its container is gone, and nobody knows how it ended."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """It runs, and may do so until then."""

    at: float


RunAction = Begin | EndUnbegun | StopContainer | Record | RecordLost | WaitUntil


def decide(run: RunView, now: float) -> RunAction:
    """The next action; `now` in Unix seconds."""
    if run.state is PENDING:
        return Begin() if run.stop is None else EndUnbegun(run.stop)
    container = run.container
    if container is None:
        return RecordLost()
    if not container.running:
        return Record(container)
    if run.stop is not None:
        return StopContainer(container, run.stop)
    until = (container.started_at or run.began_at or now) + run.timeout_s
    return StopContainer(container, Stop.TIMED_OUT) if now >= until else WaitUntil(until)
