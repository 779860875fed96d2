"""A worker's hold on one attempt of one deployment: every write checks that the hold is still good.

Another worker may have been given the deployment because this one was silent for too long. Then the attempt has grown,
and this one may write nothing any more: its hold is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.deployment.ordering import Candidate
from slipway.core.deployment.states import WITH_WORKER, State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.models import TO_CHANGE, App, Deployment, Tenant, Variable, now

_CLAIM = "worker: take a deployment"


class LeaseLost(Exception):
    """The deployment is in other hands, or gone."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, as it stood when the hold was taken."""

    deployment_id: int
    attempt: int
    tenant_id: int
    tenant: str
    app_id: int
    app: str
    source: str
    """`git` or `image`."""
    repository: str
    image: str
    """The app's, now; the deployment's own is its `ref`."""
    credential: str | None
    """Sealed."""
    branch: str
    settings: dict[str, object]
    variables: dict[str, str]
    """Build variables, sealed."""
    environment: str
    ref: str
    commit_sha: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof of having claimed an attempt; the way to write to its row."""

    db: Database
    work: Work

    @contextmanager
    def write(self) -> Iterator[tuple[Session, Deployment]]:
        """A transaction on the row, which is checked first.

        Raises:
            Lost: it is no longer ours.
        """
        with self.db.write(tenant_id=self.work.tenant_id) as session:
            yield session, self._row(session)

    @contextmanager
    def write_in_order(self) -> Iterator[tuple[Session, Deployment]]:
        """Likewise under the app's lock, which is taken first, as everywhere: until the end of the transaction nothing
        of the app goes live and no other intent is written.

        Raises:
            Lost: it is no longer ours.
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

    def advance(self, state: State, note: str = "") -> None:
        """Note something about the step at hand, then move on."""
        with self.write() as (_, row):
            if note:
                lifecycle.note_step(row, note)
            lifecycle.advance(row, state)
            row.heartbeat_at = now()

    def outcome(self) -> State | None:
        """The state at this moment; None when the row is gone."""
        with self.db.read(tenant_id=self.work.tenant_id) as session:
            row = session.get(Deployment, self.work.deployment_id)
            return State(row.state) if row else None


def claim(db: Database, deployment_id: int, attempt: int) -> Lease | None:
    """Take the attempt in hand: queued → fetching. None when it is not there to be taken: the job ran before, or the
    deployment has ended or was handed out again."""
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
        tenant = session.get_one(Tenant, row.tenant_id)
        return Lease(db, _work(row, app, tenant, _build_variables(session, row)))


def _build_variables(session: Session, row: Deployment) -> dict[str, str]:
    query = select(Variable).filter_by(app_id=row.app_id, environment=row.environment, scope="build")
    return {variable.name: variable.sealed for variable in session.scalars(query.order_by(Variable.name))}


def _work(row: Deployment, app: App, tenant: Tenant, variables: dict[str, str]) -> Work:
    return Work(
        deployment_id=row.id,
        attempt=row.attempt,
        tenant_id=row.tenant_id,
        tenant=tenant.name,
        app_id=app.id,
        app=app.name,
        source=row.source,
        repository=app.repository,
        image=app.image,
        credential=app.credential,
        branch=app.branch,
        settings=dict(app.settings),
        variables=variables,
        environment=row.environment,
        ref=row.ref,
        commit_sha=row.commit_sha,
        candidate=row.candidate(),
    )
