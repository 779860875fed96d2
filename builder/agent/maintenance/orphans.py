"""What a crash may leave that nothing wants: containers whose row is gone, addresses that nothing holds."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from sqlalchemy import select

from builder.agent.background_tasks import STOP, BackgroundTasks
from builder.agent.rollout import pre_deploy
from builder.agent.rollout.replica_actions.containers import ContainerRemoval
from builder.agent.rollout.steps import is_wanted_at_pre_deploy
from builder.agent.routes import address_quarantine
from builder.agent.runs import holding
from builder.agent.scope import REASON
from slipway.core.deployment.states import State
from slipway.core.rollout.replica_states import GONE
from slipway.core.runs.states import ACTIVE
from slipway.db import Database
from slipway.models import Address, Deployment, Replica, Run
from slipway.ports.runtime import Observed


class Orphans:
    def __init__(self, db: Database, background_tasks: BackgroundTasks, containers: ContainerRemoval) -> None:
        self._db = db
        self._background_tasks = background_tasks
        self._containers = containers

    def remove(self, observed: Iterable[Observed]) -> int:
        """Remove them, and say how many containers. `observed` was listed before this reads SQL: rows come before
        containers."""
        with self._db.read(platform=REASON) as session:
            # addresses first: whatever got one has had its row since before
            # those that were in the route table are the business of `AddressQuarantine`
            unrouted = select(Address.replica_id).where(Address.replica_id.is_not(None), Address.rests_from.is_(None))
            holders = set(session.scalars(unrouted))
            wanted = set(session.scalars(select(Replica.id).where(Replica.state != GONE)))
            starting = session.scalars(select(Deployment).where(Deployment.state == str(State.STARTING)))
            wanted |= {pre_deploy.holder(row.id) for row in starting if is_wanted_at_pre_deploy(row)}
            active = [str(state) for state in ACTIVE]
            wanted |= {
                holding.holder(run_id) for run_id in session.scalars(select(Run.id).where(Run.state.in_(active)))
            }
        orphans = [each for each in observed if each.replica_id not in wanted]
        self._release(holders - wanted - {each.replica_id for each in orphans})
        for orphan in orphans:
            work = functools.partial(self._remove, orphan)
            self._background_tasks.begin(STOP, f"orphan:{orphan.container_id}", orphan.app_id, work)
        return len(orphans)

    def _release(self, holders: Iterable[str | None]) -> None:
        """The addresses of commands that ended together with the agent."""
        without_container = [each for each in holders if each is not None]
        if without_container:
            with self._db.write(platform=REASON) as session:
                address_quarantine.give_up_unused(session, without_container)

    def _remove(self, orphan: Observed) -> None:
        if orphan.task:
            self._containers.remove_task(orphan.container_id)
        else:
            self._containers.remove(orphan.replica_id, orphan.container_id)
