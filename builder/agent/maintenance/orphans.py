"""What a crash may leave that nobody wishes for: containers whose row is gone, addresses that nothing holds."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from sqlalchemy import select

from builder.agent.background_tasks import STOP
from builder.agent.dependencies import REASON, Dependencies
from builder.agent.rollout.pre_deploy import holder, is_at_pre_deploy
from builder.agent.routes import address_quarantine
from builder.agent.telemetry import output
from slipway.core.deployment.states import State
from slipway.core.rollout.fleet import GONE
from slipway.models import Address, Deployment, Replica
from slipway.ports.runtime import Observed


def remove(dependencies: Dependencies, observed: Iterable[Observed]) -> int:
    """Remove them, and say how many containers. `observed` was listed before this looks into SQL: rows come before
    containers."""
    with dependencies.db.read(platform=REASON) as session:
        wished = set(session.scalars(select(Replica.id).where(Replica.state != GONE)))
        starting = session.scalars(select(Deployment).where(Deployment.state == str(State.STARTING)))
        wished |= {holder(row.id) for row in starting if is_at_pre_deploy(row)}
        never_routed = select(Address.replica_id).where(Address.replica_id.is_not(None), Address.rests_from.is_(None))
        holders = set(session.scalars(never_routed))  # the others go through quarantine
    orphans = [each for each in observed if each.replica_id not in wished]
    _release(dependencies, holders - wished - {each.replica_id for each in orphans})
    for orphan in orphans:
        work = functools.partial(_remove, dependencies, orphan)
        dependencies.background_tasks.begin(STOP, f"orphan:{orphan.container_id}", orphan.app_id, work)
    return len(orphans)


def _release(dependencies: Dependencies, holders: Iterable[str | None]) -> None:
    """A pre-deploy command that ended with the agent left its address behind."""
    with_nothing = [each for each in holders if each is not None]
    if with_nothing:
        with dependencies.db.write(platform=REASON) as session:
            for each in with_nothing:
                address_quarantine.give_up(session, each)


def _remove(dependencies: Dependencies, orphan: Observed) -> None:
    if not orphan.task:
        output.keep(dependencies.settings, dependencies.runtime, orphan.replica_id, orphan.container_id)
    dependencies.runtime.remove(orphan.container_id)
    dependencies.observed_state.changed()
