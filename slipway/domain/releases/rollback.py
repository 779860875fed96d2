"""Which release a rollback goes to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import State
from slipway.errors import Conflict, NotFound
from slipway.models import App, Deployment, Release


def release_to_return_to(
    session: Session, app: App, live: Deployment | None, to: int | None, environment: str
) -> Release:
    """The release that a rollback goes to: number `to`, or the one that was live before.

    Raises:
        NotFound: there is no such release, or none to go back to.
        Conflict: it never served, serves already, or its image was collected.
    """
    query = select(Release).filter_by(app_id=app.id, environment=environment)
    if to is not None:
        release = session.scalar(query.filter_by(number=to))
        missing = f"{app.name} has no release v{to}"
    else:
        release = _previous(session, app, live, environment)
        missing = f"{app.name} has no earlier release to go back to"
    if release is None:
        raise NotFound(missing, remedy=f"slipway deployments -a {app.name}")
    if not _was_live(session, release):
        raise Conflict(f"v{release.number} never served", remedy="name one that did: slipway rollback --to N")
    if live is not None and live.release_id == release.id:
        raise Conflict(f"v{release.number} serves already", remedy="name another: slipway rollback --to N")
    if release.collected_at is not None:
        raise Conflict(f"the image of v{release.number} was removed to save space", remedy="deploy its commit again")
    return release


def _was_live(session: Session, release: Release) -> bool:
    query = select(Deployment.id).filter_by(app_id=release.app_id, release_id=release.id)
    return session.scalars(query.where(Deployment.live_at.is_not(None)).limit(1)).first() is not None


def _previous(session: Session, app: App, live: Deployment | None, environment: str) -> Release | None:
    """The release that served before the live one: another image or another configuration, whose image is still kept. A
    release that failed after it went live is never gone back to."""
    current = session.get(Release, live.release_id) if live and live.release_id else None
    query = (
        select(Release)
        .join(Deployment, (Deployment.app_id == app.id) & (Deployment.release_id == Release.id))
        .where(Release.app_id == app.id, Release.environment == environment, Release.collected_at.is_(None))
        .where(Deployment.live_at.is_not(None), Deployment.state.in_([str(State.LIVE), str(State.RETIRED)]))
        .order_by(Deployment.live_at.desc())
    )
    if current is not None:
        query = query.where(Release.id != current.id)
    return session.scalars(query).first()
