"""How apps are doing, by numbers: for all apps of a tenant in as many queries as for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

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


def figures_of(session: Session, ids: Iterable[int]) -> dict[int, AppFigures]:
    """By app id."""
    wanted_ids = list(ids)
    deployments = _deployments(session, wanted_ids)
    latest = _states(session, [each[1] for each in deployments.values()])
    wanted, replicas = _wanted(session, wanted_ids), _replicas(session, wanted_ids)
    return {
        each: _figures(deployments.get(each, (None, None, 0)), latest, wanted.get(each, 0), replicas, each)
        for each in wanted_ids
    }


def _figures(
    deployments: tuple[int | None, int | None, int],
    latest: dict[int, str],
    wanted: int,
    replicas: dict[tuple[int, str], int],
    app_id: int,
) -> AppFigures:
    live_id, latest_id, unfinished = deployments
    ready = replicas.get((app_id, "ready"), 0)
    state = app_state(
        deploying=unfinished > 0,
        live=live_id is not None,
        latest=State(latest[latest_id]) if latest_id is not None else None,
        wanted=wanted,
        ready=ready,
        crashed=replicas.get((app_id, "crashed"), 0),
    )
    return AppFigures(state, live_id, latest_id, wanted, ready)


def _deployments(session: Session, ids: list[int]) -> dict[int, tuple[int | None, int, int]]:
    """App → the live one, the latest one, and how many are unfinished."""
    live = func.max(case((Deployment.state == str(State.LIVE), Deployment.id)))
    unfinished = func.count(case((Deployment.state.in_(_UNFINISHED), 1)))
    query = select(Deployment.app_id, live, func.max(Deployment.id), unfinished)
    query = query.where(Deployment.app_id.in_(ids), Deployment.environment == PRODUCTION).group_by(Deployment.app_id)
    return {app_id: (live_id, latest_id, count) for app_id, live_id, latest_id, count in session.execute(query)}


def _states(session: Session, ids: list[int]) -> dict[int, str]:
    return dict(session.execute(select(Deployment.id, Deployment.state).where(Deployment.id.in_(ids))).all())


def _wanted(session: Session, ids: list[int]) -> dict[int, int]:
    query = select(Scale.app_id, Scale.replicas).where(Scale.app_id.in_(ids))
    return dict(session.execute(query.filter_by(environment=PRODUCTION, process=WEB)).all())


def _replicas(session: Session, ids: list[int]) -> dict[tuple[int, str], int]:
    """(app, state) → how many."""
    query = (
        select(Replica.app_id, Replica.state, func.count())
        .where(Replica.app_id.in_(ids), Replica.ended_at.is_(None))
        .where(Replica.environment == PRODUCTION, Replica.process == WEB)
        .group_by(Replica.app_id, Replica.state)
    )
    return {(app_id, state): count for app_id, state, count in session.execute(query)}
