"""A preview's row and what is there of it, as values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import State
from slipway.core.previews.decide import PreviewState, PreviewView, state_of
from slipway.core.previews.settings import PreviewTable
from slipway.models import App, Deployment, Domain, Preview, now


@dataclass(frozen=True, slots=True)
class PreviewFacts:
    """What people are shown of a preview."""

    state: PreviewState
    app: App | None
    host: str
    """Empty: there is none."""
    latest: Deployment | None
    live: Deployment | None


def app_of(session: Session, row: Preview) -> App | None:
    """None: there is none, or it is being deleted."""
    app = session.get(App, row.app_id) if row.app_id is not None else None
    return app if app is not None and app.deleted_at is None else None


def view_of(parent: App, row: Preview, chosen: PreviewTable, app: App | None) -> PreviewView:
    return PreviewView(
        is_open=row.is_open,
        is_enabled=chosen.enabled and parent.deleted_at is None,
        is_expired=row.expires_at <= now(),
        is_fork=row.is_fork,
        head=row.head,
        approved_sha=row.approved_sha,
        made_sha=row.made_sha,
        has_app=app is not None,
        is_held_up=row.detail != "",
    )


def room(session: Session, parent: App, chosen: PreviewTable) -> int:
    """How many more previews the app may have."""
    query = select(func.count(Preview.id)).join(App, App.id == Preview.app_id)
    return chosen.limit - (session.scalar(query.where(Preview.parent_id == parent.id, App.deleted_at.is_(None))) or 0)


def facts_of(session: Session, parent: App, rows: Sequence[Preview], chosen: PreviewTable) -> dict[int, PreviewFacts]:
    """By preview, in as many queries for many as for one."""
    ids = {row.app_id for row in rows if row.app_id is not None}
    apps = {app.id: app for app in session.scalars(select(App).where(App.id.in_(ids), App.deleted_at.is_(None)))}
    latest, live, hosts = _latest(session, ids), _live(session, ids), _hosts(session, ids)
    found = {}
    for row in rows:
        app = apps.get(row.app_id or 0)
        of_app = latest.get(app.id) if app else None
        serving = live.get(app.id) if app else None
        view = view_of(parent, row, chosen, app)
        state = state_of(view, State(of_app.state) if of_app else None, serves=serving is not None)
        found[row.id] = PreviewFacts(state, app, hosts.get(app.id, "") if app else "", of_app, serving)
    return found


def _latest(session: Session, ids: Collection[int]) -> dict[int, Deployment]:
    newest = select(func.max(Deployment.id)).where(Deployment.app_id.in_(ids)).group_by(Deployment.app_id)
    return {row.app_id: row for row in session.scalars(select(Deployment).where(Deployment.id.in_(newest)))}


def _live(session: Session, ids: Collection[int]) -> dict[int, Deployment]:
    query = select(Deployment).where(Deployment.app_id.in_(ids), Deployment.state == str(State.LIVE))
    return {row.app_id: row for row in session.scalars(query)}


def _hosts(session: Session, ids: Collection[int]) -> dict[int, str]:
    """The first of each."""
    query = select(Domain.app_id, Domain.host).where(Domain.app_id.in_(ids), Domain.redirect_to.is_(None))
    return {row.app_id: row.host for row in session.execute(query.order_by(Domain.id.desc()))}
