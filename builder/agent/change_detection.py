"""Which apps need a look: those whose wish or reality is not what it was when they were looked at last.

A thousand apps at rest cost six queries for plain columns and one listing, and no pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from builder.agent.rollout.state_loader import claimed_by_agent
from slipway.core.deployment.states import State
from slipway.core.rollout.fleet import GONE
from slipway.models import App, Deployment, Replica, Scale, Target
from slipway.ports.runtime import Observed

Fingerprints = Mapping[int, int]
"""App id → a number that changes with anything about it."""


def fingerprints(session: Session, observed: Mapping[int, Iterable[Observed]]) -> Fingerprints:
    """Marks of all apps that have, or had, anything."""
    facts: dict[int, list[Any]] = defaultdict(list)
    for kind, query in enumerate(_queries()):
        for app_id, *values in session.execute(query):
            facts[app_id].append((kind, *values))
    for app_id, containers in observed.items():
        facts[app_id].extend((each.container_id, each.replica_id, each.running) for each in containers)
    return {app_id: hash(frozenset(known)) for app_id, known in facts.items()}


def changed(before: Fingerprints, now: Fingerprints) -> list[int]:
    """Apps that are new or whose mark changed."""
    return [app_id for app_id, mark in now.items() if before.get(app_id) != mark]


def _queries() -> list[Any]:
    deployments = select(
        Deployment.app_id, Deployment.id, Deployment.state, Deployment.stop_requested, Deployment.release_id
    ).where(or_(Deployment.state == str(State.LIVE), claimed_by_agent()))
    replicas = select(Replica.app_id, Replica.id, Replica.state, Replica.container_id).where(Replica.state != GONE)
    return [
        deployments,
        replicas,
        select(Scale.app_id, Scale.environment, Scale.process, Scale.replicas),
        select(Target.app_id, Target.replica_id, Target.standby),
        select(App.id, App.deleted_at).where(App.deleted_at.is_not(None)),
    ]
