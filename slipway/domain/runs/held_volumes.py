"""Who holds an app's volumes: what its containers mount, by which another one that may not share it has to wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import Configuration
from slipway.core.app_settings.volumes import Mount
from slipway.core.deployment.states import State
from slipway.core.rollout.replica_states import GONE
from slipway.core.runs.states import ACTIVE
from slipway.domain import lifecycle
from slipway.domain.lifecycle import PRE_DEPLOY
from slipway.models import Deployment, Release, Replica, Run

_RUNS = (
    select(Run.environment, Run.process, Release.configuration)
    .join(Release, Release.id == Run.release_id)
    .where(Run.app_id == bindparam("app_id"), Run.state.in_([str(state) for state in ACTIVE]))
)
"""Made once: each pass over an app runs it."""


def held_by_runs(session: Session, app_id: int) -> Mapping[str, list[Mount]]:
    """By environment: what no replica and no pre-deploy command may take. The plan keeps these two apart itself."""
    held: dict[str, list[Mount]] = defaultdict(list)
    for environment, process, configuration in session.execute(_RUNS, {"app_id": app_id}):
        held[environment] += Configuration.from_json(configuration).mounts_of(process)
    return held


def held(session: Session, app_id: int, environment: str) -> list[Mount]:
    """What no run may take: that of runs, of replicas, and of pre-deploy commands that run or are about to."""
    mounts = list(held_by_runs(session, app_id).get(environment, ()))
    for process, configuration in (
        *_replicas(session, app_id, environment),
        *_pre_deploy_commands(session, app_id, environment),
    ):
        mounts += Configuration.from_json(configuration).mounts_of(process)
    return mounts


Holder = tuple[str, Mapping[str, Any]]
"""A process and what its release freezes."""


def _replicas(session: Session, app_id: int, environment: str) -> list[Holder]:
    query = (
        select(Replica.process, Release.configuration)
        .join(Release, Release.id == Replica.release_id)
        .where(Replica.app_id == app_id, Replica.environment == environment, Replica.state != GONE)
    )
    return [(process, configuration) for process, configuration in session.execute(query)]


def _pre_deploy_commands(session: Session, app_id: int, environment: str) -> list[Holder]:
    query = (
        select(Deployment, Release.configuration)
        .join(Release, Release.id == Deployment.release_id)
        .where(Deployment.app_id == app_id, Deployment.environment == environment)
        .where(Deployment.state == str(State.STARTING))
    )
    return [(PRE_DEPLOY, frozen) for row, frozen in session.execute(query) if lifecycle.is_at_pre_deploy(row)]
