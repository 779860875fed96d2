"""The lease itself: the right of one worker to write to the row of a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.lease.work import Work, work_of
from slipway.core.deployment.states import WITH_WORKER, State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.models import TO_CHANGE, App, Deployment, now

_CLAIM = "worker: claim a deployment"


class LeaseLost(Exception):
    """The deployment has a newer attempt, has ended, or its row is gone."""


def claim(db: Database, deployment_id: int, attempt: int) -> Lease | None:
    """Claim one attempt of a deployment: it moves from queued to fetching. None when there is nothing to claim: the job
    ran before, the deployment has ended, or it has a newer attempt."""
    with db.write(platform=_CLAIM) as session:
        row = session.scalar(select(Deployment).filter_by(id=deployment_id).with_for_update(**TO_CHANGE))
        if row is None or row.attempt != attempt or row.state != State.QUEUED or not intents.needs_build(row):
            return None
        app = session.get_one(App, row.app_id)
        if app.deleted_at is not None:
            lifecycle.stop(row, State.CANCELLED, "the app is being deleted")
            return None
        lifecycle.advance(row, State.FETCHING)
        row.heartbeat_at = now()
        return Lease(db, work_of(session, row, app))


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof that this worker has claimed the attempt `work.attempt`; the only way in which it writes to the row."""

    db: Database
    work: Work

    @contextmanager
    def write(self) -> Iterator[tuple[Session, Deployment]]:
        """A transaction on the deployment's row.

        Raises:
            LeaseLost: another worker may have claimed the deployment by now.
        """
        with self.db.write(tenant_id=self.work.tenant_id) as session:
            yield session, self._row(session)

    @contextmanager
    def write_in_order(self) -> Iterator[tuple[Session, Deployment]]:
        """The same, under the app's lock, which comes before the row's as everywhere: until the end of the transaction
        no deployment of the app goes live and no other intent is written.

        Raises:
            LeaseLost: another worker may have claimed the deployment by now.
        """
        with self.db.write(tenant_id=self.work.tenant_id) as session:
            session.get(App, self.work.app_id, with_for_update=TO_CHANGE)
            yield session, self._row(session)

    def _row(self, session: Session) -> Deployment:
        query = select(Deployment).filter_by(id=self.work.deployment_id).with_for_update(**TO_CHANGE)
        row = session.scalar(query)
        if row is None or row.attempt != self.work.attempt or State(row.state) not in WITH_WORKER:
            raise LeaseLost
        return row
