"""A preview's row and what is there of it, as values."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import State
from slipway.core.previews.decide import PreviewState, PreviewView, state_of
from slipway.core.previews.settings import PreviewTable
from slipway.domain.intents import live_deployment
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


def view_of(session: Session, parent: App, row: Preview, chosen: PreviewTable) -> PreviewView:
    return PreviewView(
        is_open=row.is_open,
        is_enabled=chosen.enabled and parent.deleted_at is None,
        is_expired=row.expires_at <= now(),
        is_fork=row.is_fork,
        head=row.head,
        approved_sha=row.approved_sha,
        made_sha=row.made_sha,
        has_app=app_of(session, row) is not None,
    )


def room(session: Session, parent: App, chosen: PreviewTable) -> int:
    """How many more previews the app may have."""
    query = select(func.count(Preview.id)).join(App, App.id == Preview.app_id)
    return chosen.limit - (session.scalar(query.where(Preview.parent_id == parent.id, App.deleted_at.is_(None))) or 0)


def facts_of(session: Session, parent: App, row: Preview, chosen: PreviewTable) -> PreviewFacts:
    app = app_of(session, row)
    latest = _latest(session, app) if app else None
    live = live_deployment(session, app.id) if app else None
    state = State(latest.state) if latest else None
    return PreviewFacts(
        state=state_of(view_of(session, parent, row, chosen), state, serves=live is not None),
        app=app,
        host=_host(session, app) if app else "",
        latest=latest,
        live=live,
    )


def _latest(session: Session, app: App) -> Deployment | None:
    return session.scalar(select(Deployment).filter_by(app_id=app.id).order_by(Deployment.id.desc()).limit(1))


def _host(session: Session, app: App) -> str:
    first = select(Domain.host).where(Domain.app_id == app.id, Domain.redirect_to.is_(None)).order_by(Domain.id)
    return session.scalar(first.limit(1)) or ""
