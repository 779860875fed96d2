"""A deployment's row on its way: the one place that writes its state, its steps and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slipway.core.deployment.ordering import BRANCH_MOVED
from slipway.core.deployment.states import ENDED, WITH_WORKER, State, move
from slipway.errors import DeploymentFailed
from slipway.models import BuildTime, Deployment, now

_STEP_OF = {State.FETCHING: "fetch", State.BUILDING: "build", State.STARTING: "start"}
_BUILD = _STEP_OF[State.BUILDING]
PRE_DEPLOY = "pre-deploy"
"""The step of the command that comes before `start`."""
_REASON_OF_REQUEST = {State.SUPERSEDED: BRANCH_MOVED}
"""Requested of older pushes alone, when the branch's head is found to be live already."""
TAIL_LINES = 20


def advance(deployment: Deployment, state: State) -> None:
    """Move to `state`: ends the running step well and begins the one that belongs to the new state.

    Raises:
        Conflict: the table of legal moves has no such move.
    """
    deployment.state = move(State(deployment.state), state)
    end_step(deployment, ok=True)
    if state in WITH_WORKER and deployment.started_at is None:
        deployment.started_at = now()
    if state is State.LIVE:
        deployment.live_at = now()
    if state is State.RETIRED or state not in (*_STEP_OF, State.QUEUED, State.LIVE):
        deployment.ended_at = now()
    if state in _STEP_OF:
        begin_step(deployment, _STEP_OF[state])


def begin_step(deployment: Deployment, name: str, **facts: Any) -> None:
    """Start timing a step (`fetch`, `build`, `pre-deploy`, `start`, `switch`, `watch`, `drain`). `facts` stay in its
    record."""
    end_step(deployment, ok=True)
    at = now()
    step: dict[str, Any] = {"name": name, "started_at": at.timestamp(), "ended_at": None, "ok": None, "note": ""}
    deployment.steps = [*deployment.steps, step | facts]
    if name == _BUILD:
        of_app = {"tenant_id": deployment.tenant_id, "app_id": deployment.app_id}
        deployment.build_times.append(BuildTime(**of_app, started_at=at))


def rename_step(deployment: Deployment, name: str) -> None:
    """The current step turns out to be another one: `pre-deploy` comes before `start`."""
    if deployment.steps:
        deployment.steps = [*deployment.steps[:-1], deployment.steps[-1] | {"name": name}]


def current_step(deployment: Deployment) -> dict[str, Any] | None:
    """The step that runs; None when the last one has ended."""
    last = deployment.steps[-1] if deployment.steps else None
    return last if last and last["ended_at"] is None else None


def is_at_pre_deploy(deployment: Deployment) -> bool:
    """Is the pre-deploy command its current step? It runs, or is to."""
    step = current_step(deployment)
    return deployment.state == State.STARTING and step is not None and step["name"] == PRE_DEPLOY


def note_step(deployment: Deployment, note: str) -> None:
    """Note something about the last step, such as `7 of 9 steps from cache`."""
    if deployment.steps:
        deployment.steps = [*deployment.steps[:-1], deployment.steps[-1] | {"note": note}]


def end_step(deployment: Deployment, *, ok: bool, note: str = "", at: datetime | None = None) -> None:
    """Stop timing the current step; nothing when none runs. `at`: it ended then, not now."""
    if not deployment.steps or deployment.steps[-1]["ended_at"] is not None:
        return
    at = at or now()
    last = deployment.steps[-1]
    ended = last | {"ended_at": at.timestamp(), "ok": ok, "note": note or last["note"]}
    deployment.steps = [*deployment.steps[:-1], ended]
    if last["name"] == _BUILD:
        _end_build_time(deployment, at)


def _end_build_time(deployment: Deployment, at: datetime) -> None:
    for each in deployment.build_times:
        each.ended_at = each.ended_at or max(at, each.started_at)


def fail(deployment: Deployment, error: DeploymentFailed) -> None:
    """End in `failed` with the error's reason, sentence, remedy and tail."""
    end_step(deployment, ok=False, note=error.sentence)
    advance(deployment, State.FAILED)
    deployment.reason, deployment.detail, deployment.remedy = error.reason, error.sentence, error.remedy
    deployment.tail = "\n".join(error.tail.splitlines()[-TAIL_LINES:])


def bring_back(deployment: Deployment) -> None:
    """What was live before the deployment that gave way is live again. It stays known when it went live first."""
    deployment.state = move(State(deployment.state), State.LIVE)
    deployment.ended_at = None


def stop(deployment: Deployment, state: State, why: str, remedy: str = "", reason: str = "") -> None:
    """End in `cancelled`, `superseded` or `skipped`, and say why; the state is the reason unless one is given. To
    find that there is nothing to do is a step that went well."""
    end_step(deployment, ok=state is State.SKIPPED, note=why)
    advance(deployment, state)
    requested = _REASON_OF_REQUEST.get(state, "") if deployment.stop_requested == state else ""
    deployment.reason, deployment.detail, deployment.remedy = reason or requested or str(state), why, remedy


def request_stop(deployment: Deployment, state: State, why: str) -> None:
    """Stop now when nobody has claimed it, else ask the claimant. Nothing when it has ended already."""
    if State(deployment.state) in ENDED:
        return
    if deployment.state == State.QUEUED:
        stop(deployment, state, why, reason=_REASON_OF_REQUEST.get(state, ""))
    elif deployment.stop_requested is None:
        deployment.stop_requested, deployment.stop_why = str(state), why
