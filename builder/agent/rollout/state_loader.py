"""Reads everything that a pass over one app decides on: rows, containers, the edges' confirmations, hints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from builder.agent.background_tasks import BackgroundTasks
from builder.agent.observed_state import ObservedState
from builder.agent.rollout.remembered import Hints
from builder.agent.rollout.steps import watched
from builder.agent.rollout.views import Observations, Rows, needs_confirmations, out_of_routes
from builder.agent.routes.publishing import RouteSync
from builder.agent.scope import REASON
from slipway.core.deployment.states import Kind, State
from slipway.core.rollout.replica_states import GONE
from slipway.db import Database
from slipway.domain.runs.held_volumes import held_by_runs
from slipway.errors import DependencyUnavailable
from slipway.models import Address, App, Deployment, Edge, Release, Replica, Scale, Target
from slipway.ports.clock import Clock
from slipway.ports.routes import UnderWay


class StateLoader:
    """Raises `DependencyUnavailable` when SQL or the runtime does not answer. Without Redis nothing counts as
    confirmed."""

    def __init__(
        self,
        db: Database,
        observed_state: ObservedState,
        background_tasks: BackgroundTasks,
        routes: RouteSync,
        hints: Hints,
        clock: Clock,
    ) -> None:
        self._db = db
        self._observed_state = observed_state
        self._background_tasks = background_tasks
        self._routes = routes
        self._hints = hints
        self._clock = clock

    def load(self, app_id: int) -> Observations | None:
        """None: there is no such app (any more).

        The busy keys come first: a task that ends meanwhile has written its row by then, or is still left alone. Rows
        come before containers: whatever runs has its row.
        """
        busy = self._background_tasks.busy()
        with self._db.read(platform=REASON) as session:
            rows = load_rows(session, app_id)
        if rows is None:
            return None
        observed = self._observed_state.of(app_id)
        now = self._clock()
        confirmed = self._confirmed(rows)
        leaving = out_of_routes(rows, confirmed)
        return Observations(
            now=now,
            rows=rows,
            containers={each.replica_id: each for each in observed if not each.task},
            busy=busy,
            hints=self._hints.of(row.id for row in rows.replicas),
            confirmed=confirmed,
            confirmed_at={each: self._hints.confirmed_at.setdefault(each, now) for each in leaving},
            under_way=self._under_way(rows.edges, leaving),
        )

    def _confirmed(self, rows: Rows) -> int | None:
        if not needs_confirmations(rows):
            return None
        try:
            return self._routes.confirmed()
        except DependencyUnavailable:
            return None  # publishing logs it; until Redis is back nothing counts as confirmed

    def _under_way(self, edges: Iterable[str], replica_ids: list[str]) -> Mapping[str, UnderWay] | None:
        if not replica_ids:
            return None
        try:
            return self._routes.inflight(list(edges), replica_ids)
        except DependencyUnavailable:
            return None


def claimed_by_agent() -> ColumnElement[bool]:
    """SQL condition: the agent is the one to move this deployment."""
    image_there = Deployment.kind.in_([str(Kind.ROLLBACK), str(Kind.CONFIGURATION)])
    return or_(Deployment.state == str(State.STARTING), and_(Deployment.state == str(State.QUEUED), image_there))


# The statements of `load_rows`, made once: making them costs more than running them.
_OF_APP: BindParameter[int] = bindparam("app_id")
_DEPLOYMENTS = select(Deployment).where(
    Deployment.app_id == _OF_APP, or_(Deployment.state == str(State.LIVE), claimed_by_agent())
)
_REPLICAS = select(Replica).where(Replica.app_id == _OF_APP, Replica.state != GONE)
_RELEASES = select(Release).where(Release.id.in_(bindparam("ids", expanding=True)))
_ADDRESSES = select(Address.replica_id, Address.rests_from).where(
    Address.replica_id.in_(bindparam("ids", expanding=True))
)
_TARGETS = select(Target.replica_id, Target.standby).where(Target.app_id == _OF_APP)
_SCALES = select(Scale.environment, Scale.process, Scale.replicas).where(Scale.app_id == _OF_APP)
_EDGES = select(Edge.id)
_RETIRED = select(Deployment).where(
    Deployment.id.in_(bindparam("ids", expanding=True)), Deployment.state == str(State.RETIRED)
)


def load_rows(session: Session, app_id: int) -> Rows | None:
    """None: there is no such app (any more)."""
    app = session.get(App, app_id)
    if app is None:
        return None
    of_app = {"app_id": app_id}
    deployments = list(session.scalars(_DEPLOYMENTS, of_app))
    replicas = list(session.scalars(_REPLICAS, of_app))
    previous = _previous(session, deployments)
    wanted = {row.release_id for row in (*deployments, *previous) if row.release_id}
    releases = session.scalars(_RELEASES, {"ids": list(wanted | {row.release_id for row in replicas})})
    addresses = session.execute(_ADDRESSES, {"ids": [row.id for row in replicas]})
    return Rows(
        app=app,
        deployments=deployments,
        releases={release.id: release for release in releases},
        replicas=replicas,
        targets=dict(session.execute(_TARGETS, of_app).all()),
        previous={row.id: row for row in previous},
        removed_in={row.replica_id: row.rests_from for row in addresses if row.replica_id},
        scale={(row.environment, row.process): row.replicas for row in session.execute(_SCALES, of_app)},
        edges=list(session.scalars(_EDGES)),
        held_by_runs=held_by_runs(session, app_id),
    )


def _previous(session: Session, deployments: Iterable[Deployment]) -> list[Deployment]:
    """What a watched deployment would give way to."""
    ids = [row.previous_id for row in deployments if watched(row) and row.previous_id]
    if not ids:
        return []
    return list(session.scalars(_RETIRED, {"ids": ids}))
