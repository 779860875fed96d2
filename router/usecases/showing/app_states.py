"""How apps are doing, by numbers: for all apps of a tenant in as many queries as for one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from slipway.core.app_settings.configuration import PRODUCTION, WEB
from slipway.core.deployment.app_state import AppState, app_state
from slipway.core.deployment.states import UNFINISHED, State
from slipway.models import Deployment, Replica, Scale

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


NONE = AppFigures(AppState.EMPTY, None, None, 0, 0)


def figures_of(session: Session, ids: Collection[int] | None = None) -> dict[int, AppFigures]:
    """By app id; without `ids` of all apps in the session's scope, of which those that have none are left out."""
    live, latest = _live(session, ids), _latest(session, ids)
    deploying, wanted, replicas = _deploying(session, ids), _wanted(session, ids), _replicas(session, ids)
    states = _states(session, [latest[each] for each in latest.keys() - live.keys() - deploying])
    return {
        each: AppFigures(
            app_state(
                deploying=each in deploying,
                live=each in live,
                latest=State(states[latest[each]]) if latest.get(each) in states else None,
                wanted=wanted.get(each, 0),
                ready=replicas.get((each, "ready"), 0),
                crashed=replicas.get((each, "crashed"), 0),
            ),
            live.get(each),
            latest.get(each),
            wanted.get(each, 0),
            replicas.get((each, "ready"), 0),
        )
        for each in (ids if ids is not None else latest.keys() | wanted.keys())
    }


def _of(column: InstrumentedAttribute[int], ids: Collection[int] | None) -> ColumnElement[bool]:
    return true() if ids is None else column.in_(ids)


def _live(session: Session, ids: Collection[int] | None) -> dict[int, int]:
    query = select(Deployment.app_id, Deployment.id).where(_of(Deployment.app_id, ids))
    return dict(session.execute(query.filter_by(environment=PRODUCTION, state=str(State.LIVE))).all())


def _deploying(session: Session, ids: Collection[int] | None) -> set[int]:
    query = select(Deployment.app_id).where(_of(Deployment.app_id, ids), Deployment.state.in_(_UNFINISHED))
    return set(session.scalars(query.filter_by(environment=PRODUCTION)))


def _latest(session: Session, ids: Collection[int] | None) -> dict[int, int]:
    query = select(Deployment.app_id, func.max(Deployment.id)).where(Deployment.environment == PRODUCTION)
    return dict(session.execute(query.where(_of(Deployment.app_id, ids)).group_by(Deployment.app_id)).all())


def _states(session: Session, deployments: Collection[int]) -> dict[int, str]:
    """Of the latest ones where nothing is live or on its way: nobody asks for that of others."""
    if not deployments:
        return {}
    return dict(session.execute(select(Deployment.id, Deployment.state).where(Deployment.id.in_(deployments))).all())


def _wanted(session: Session, ids: Collection[int] | None) -> dict[int, int]:
    query = select(Scale.app_id, Scale.replicas).where(_of(Scale.app_id, ids))
    return dict(session.execute(query.filter_by(environment=PRODUCTION, process=WEB)).all())


def _replicas(session: Session, ids: Collection[int] | None) -> dict[tuple[int, str], int]:
    """(app, state) → how many."""
    query = (
        select(Replica.app_id, Replica.state, func.count())
        .where(_of(Replica.app_id, ids), Replica.ended_at.is_(None))
        .where(Replica.environment == PRODUCTION, Replica.process == WEB)
        .group_by(Replica.app_id, Replica.state)
    )
    return {(app_id, state): count for app_id, state, count in session.execute(query)}
