"""What the repositories' files say of what serves: of the release that the targets run, else of the live one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import State
from slipway.models import Build, Deployment, Release, Replica, Target

Key = tuple[int, str]
"""App id and environment."""


def of_what_serves(session: Session) -> dict[Key, dict[str, Any]]:
    """Of all apps."""
    query = select(Target.app_id, Target.environment, Replica.release_id).join(Replica, Replica.id == Target.replica_id)
    rows = session.execute(query.where(Target.standby.is_(False)))
    return of_releases(session, None, {(app_id, environment): release_id for app_id, environment, release_id in rows})


def of_releases(
    session: Session, apps: Collection[int] | None, release_ids: Mapping[Key, int]
) -> dict[Key, dict[str, Any]]:
    """Of these releases, and of the live ones of the apps (None: all) that have none of these."""
    live = select(Deployment.app_id, Deployment.environment, Deployment.release_id).where(
        Deployment.state == str(State.LIVE), Deployment.release_id.is_not(None)
    )
    if apps is not None:
        live = live.where(Deployment.app_id.in_(apps))
    chosen = {(app_id, environment): release_id for app_id, environment, release_id in session.execute(live)}
    chosen |= release_ids
    wanted = set(chosen.values())
    query = select(Release.id, Build.file_settings).outerjoin(Build, Build.id == Release.build_id)
    if apps is not None:
        query = query.where(Release.id.in_(wanted))
    by_release = {id_: file_settings or {} for id_, file_settings in session.execute(query) if id_ in wanted}
    return {key: by_release[release_id] for key, release_id in chosen.items() if release_id in by_release}
