"""The one word for how an app is doing."""

from __future__ import annotations

from enum import StrEnum

from slipway.core.deployment.states import State


class AppState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    """Something is live, and scaled to no replica."""
    DEPLOYING = "deploying"
    """A deployment is on its way, or replicas are."""
    FAILED = "failed"
    """Nothing serves, because the last deployment failed or every replica crashes."""
    EMPTY = "empty"
    """Nothing was ever live."""


def app_state(*, deploying: bool, live: bool, latest: State | None, wanted: int, ready: int, crashed: int) -> AppState:
    """From what its deployments say and what its replicas do. A failed deployment beside a serving release is the
    deployment's failure, not the app's."""
    if deploying:
        return AppState.DEPLOYING
    if not live:
        return AppState.FAILED if latest is State.FAILED else AppState.EMPTY
    if wanted == 0:
        return AppState.STOPPED
    if ready:
        return AppState.RUNNING
    return AppState.FAILED if crashed else AppState.DEPLOYING
