"""How apps are doing, by numbers: for all apps of a tenant in as many queries as for one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Exists, Row, ScalarSelect, Select, Subquery, case, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from slipway.core.app_settings.configuration import PRODUCTION, WEB
from slipway.core.deployment.app_state import AppState, app_state
from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.rollout.replica_states import READY
from slipway.models import App, Deployment, Replica, Scale

_UNFINISHED = [str(state) for state in UNFINISHED]


@dataclass(frozen=True, slots=True)
class AppFigures:
    """Of one app, in production."""

    state: AppState
    live_id: int | None
    """The deployment that is live."""
    latest_id: int | None
    wanted: int
    ready: int


def figures_of(session: Session, ids: Collection[int]) -> dict[int, AppFigures]:
    """By app id."""
    apps: Select[Any] = select(App.id).where(App.id.in_(ids))
    return {row.id: figures(row) for row in session.execute(with_standing(apps, ids))}


def figures(row: Row[Any]) -> AppFigures:
    """Of a row of a query that `with_standing` made."""
    return AppFigures(state_of(row), row.live_id, row.latest_id, row.wanted or 0, row.ready or 0)


def with_standing(query: Select[Any], ids: Collection[int] | None = None) -> Select[Any]:
    """A query of apps, with the columns that `figures` reads. `ids`: the apps, where they are few."""
    live, scale, replicas, deploying = _live(ids), _scale(ids), _replicas(ids), _is_deploying()
    return (
        query.add_columns(
            live.c.id.label("live_id"),
            _latest_id().label("latest_id"),
            deploying.label("deploying"),
            case((live.c.id.is_(None), _latest_state())).label("latest_state"),
            scale.c.replicas.label("wanted"),
            replicas.c.ready,
            replicas.c.crashed,
        )
        .outerjoin(live, live.c.app_id == App.id)
        .outerjoin(scale, scale.c.app_id == App.id)
        .outerjoin(replicas, replicas.c.app_id == App.id)
    )


def state_of(row: Row[Any]) -> AppState:
    return app_state(
        deploying=bool(row.deploying),
        live=row.live_id is not None,
        latest=State(row.latest_state) if row.latest_state else None,
        wanted=row.wanted or 0,
        ready=row.ready or 0,
        crashed=row.crashed or 0,
    )


def _is_deploying() -> Exists:
    query = select(Deployment.id).where(Deployment.app_id == App.id, Deployment.environment == PRODUCTION)
    return query.where(Deployment.state.in_(_UNFINISHED)).correlate(App).exists()


def _latest_id() -> ScalarSelect[int]:
    query = select(func.max(Deployment.id)).where(Deployment.app_id == App.id)
    return query.where(Deployment.environment == PRODUCTION).correlate(App).scalar_subquery()


def _latest_state() -> ScalarSelect[str]:
    query = select(Deployment.state).where(Deployment.app_id == App.id, Deployment.environment == PRODUCTION)
    return query.order_by(Deployment.id.desc()).limit(1).correlate(App).scalar_subquery()


def _of(column: InstrumentedAttribute[int], ids: Collection[int] | None) -> ColumnElement[bool]:
    return true() if ids is None else column.in_(ids)


def _live(ids: Collection[int] | None) -> Subquery:
    query = select(Deployment.app_id, Deployment.id).where(_of(Deployment.app_id, ids))
    return query.filter_by(environment=PRODUCTION, state=str(State.LIVE)).subquery()


def _scale(ids: Collection[int] | None) -> Subquery:
    query = select(Scale.app_id, Scale.replicas).where(_of(Scale.app_id, ids))
    return query.filter_by(environment=PRODUCTION, process=WEB).subquery()


def _replicas(ids: Collection[int] | None) -> Subquery:
    def count(state: str) -> ColumnElement[int]:
        return func.count(case((Replica.state == state, 1))).label(state)

    query = select(Replica.app_id, count(READY), count("crashed"))
    query = query.where(Replica.environment == PRODUCTION, Replica.process == WEB, Replica.ended_at.is_(None))
    return query.where(_of(Replica.app_id, ids)).group_by(Replica.app_id).subquery()
