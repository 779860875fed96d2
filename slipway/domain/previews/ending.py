"""How a preview ends: its app is deleted with its volumes; the agent removes what belongs to it."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.domain.route_table import touch_routes
from slipway.models import App, Domain, Preview, Volume, now


def remove(session: Session, row: Preview, actor: Actor) -> None:
    """Delete the preview's app, if there is one. Nothing is made of its head any more."""
    row.made_sha, row.detail, row.settled = row.head, "", False
    app = session.get(App, row.app_id) if row.app_id is not None else None
    if app is None or app.deleted_at is not None:
        return
    app.deleted_at = now()
    touch_routes(session, session.scalars(select(Domain.host).filter_by(app_id=app.id)))
    volumes = _request_removals(session, app)
    audit.record(session, app.tenant_id, actor, Action.APP_DELETE, app.name, volumes=volumes)


def remove_all(session: Session, parent: App, actor: Actor) -> None:
    """Before the app that they preview is deleted."""
    for row in session.scalars(select(Preview).filter_by(parent_id=parent.id)):
        remove(session, row, actor)


def _request_removals(session: Session, app: App) -> list[str]:
    """Nobody looks for the data of a preview that has ended."""
    whose = (Volume.app_id == app.id, Volume.removal_requested_at.is_(None))
    found = list(session.scalars(select(Volume.id).where(*whose).order_by(Volume.id)))
    session.execute(update(Volume).where(*whose).values(removal_requested_at=now()))
    return found
