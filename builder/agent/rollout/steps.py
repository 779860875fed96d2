"""Where a deployment stands, read from the steps in its row."""

from __future__ import annotations

from typing import Any

from slipway.core.deployment.states import WITH_IMAGE_TO_MAKE, State
from slipway.core.rollout.view import Switched
from slipway.domain import lifecycle
from slipway.models import Deployment, Release


def switched(row: Deployment) -> Switched | None:
    """The deployment's open step `switch` with the generation that every edge has to confirm."""
    step = lifecycle.current_step(row)
    if row.state != State.STARTING or step is None or step["name"] != "switch":
        return None
    return Switched(int(step["generation"]), float(step["started_at"]))


def watched(row: Deployment) -> dict[str, Any] | None:
    """The deployment's open step `watch`, with the time until which it lasts."""
    step = lifecycle.current_step(row)
    return step if row.state == State.LIVE and step is not None and step["name"] == "watch" else None


def is_wanted_at_pre_deploy(row: Deployment) -> bool:
    """Is the pre-deploy command the deployment's current step, and did nobody ask the deployment to stop?"""
    return lifecycle.is_at_pre_deploy(row) and row.stop_requested is None


def needs_pre_deploy(row: Deployment, release: Release) -> bool:
    """Only a new image gets its pre-deploy command: a rollback or a new variable must not migrate anything."""
    return row.kind in WITH_IMAGE_TO_MAKE and bool(release.configuration.get("pre_deploy"))


def pre_deploy_ended_well(row: Deployment) -> bool:
    steps = [step for step in row.steps if step["name"] == lifecycle.PRE_DEPLOY]
    return bool(steps and steps[-1]["ok"])
