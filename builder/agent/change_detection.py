"""Which apps need a pass: those whose desired or observed state has changed since the last check.

A thousand unchanged apps cost eight queries for plain columns and one listing, and no pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from builder.agent.observed_state import ObservedState
from builder.agent.rollout.state_loader import claimed_by_agent
from builder.agent.scope import REASON
from slipway.core.attached.tasks import UNFINISHED
from slipway.core.deployment.states import State
from slipway.core.rollout.replica_states import GONE
from slipway.core.runs.states import ACTIVE
from slipway.db import Database
from slipway.models import App, AttachedService, Deployment, Replica, Run, Scale, ServiceTask, Target
from slipway.ports.runtime import Observed

Fingerprints = Mapping[int, int]
"""App id → a number that changes with anything about it."""


class ChangeDetection:
    """Remembers the fingerprints of the last check. `wake` gives an app a pass."""

    def __init__(self, db: Database, observed_state: ObservedState, wake: Callable[[int], None]) -> None:
        self._db = db
        self._observed_state = observed_state
        self._wake = wake
        self._fingerprints: Fingerprints = {}

    def check(self) -> list[Observed]:
        """Wake every app that changed. Returns what the runtime had before SQL was read."""
        observed = self._observed_state.all()
        with self._db.read(platform=REASON) as session:
            found = fingerprints(session, observed)
        for app_id in changed(self._fingerprints, found):
            self._wake(app_id)
        self._fingerprints = found
        return [each for containers in observed.values() for each in containers]

    def __len__(self) -> int:
        """How many apps there are."""
        return len(self._fingerprints)


def fingerprints(session: Session, observed: Mapping[int, Iterable[Observed]]) -> Fingerprints:
    """Of all apps that have, or had, anything."""
    facts: dict[int, list[Any]] = defaultdict(list)
    for kind, query in enumerate(_queries()):
        for app_id, *values in session.execute(query):
            facts[app_id].append((kind, *values))
    for app_id, containers in observed.items():
        facts[app_id].extend((each.container_id, each.replica_id, each.running) for each in containers)
    return {app_id: hash(frozenset(known)) for app_id, known in facts.items()}


def changed(before: Fingerprints, now: Fingerprints) -> list[int]:
    """Apps that are new or whose fingerprint changed."""
    return [app_id for app_id, fingerprint in now.items() if before.get(app_id) != fingerprint]


def _queries() -> list[Any]:
    deployments = select(
        Deployment.app_id, Deployment.id, Deployment.state, Deployment.stop_requested, Deployment.release_id
    ).where(or_(Deployment.state == str(State.LIVE), claimed_by_agent()))
    replicas = select(Replica.app_id, Replica.id, Replica.state, Replica.container_id).where(Replica.state != GONE)
    runs = select(Run.app_id, Run.id, Run.state, Run.stop_requested)
    tasks = select(AttachedService.app_id, ServiceTask.id, ServiceTask.attempt).join(
        AttachedService, AttachedService.id == ServiceTask.service_id
    )
    return [
        deployments,
        replicas,
        runs.where(Run.state.in_([str(state) for state in ACTIVE])),
        tasks.where(ServiceTask.state.in_([str(state) for state in UNFINISHED])),
        select(Scale.app_id, Scale.environment, Scale.process, Scale.replicas),
        select(Target.app_id, Target.replica_id, Target.standby),
        select(App.id, App.deleted_at).where(App.deleted_at.is_not(None)),
    ]
