"""What must not grow for ever: images of old releases, kept output, logs, rows of replicas that are long gone."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from builder.agent import output
from builder.agent.parts import REASON, Parts
from slipway.core.fleet import GONE
from slipway.core.retention import Kept, collectable
from slipway.core.states import ENDED, UNFINISHED, State
from slipway.models import Build, Deployment, Release, Replica, now
from slipway.ports.logs import DeploymentLog

log = logging.getLogger(__name__)

OUTPUT_DAYS = 14
LOGS_KEPT = 100
"""Deployments of an app whose logs are kept."""
_BUILD_AGE = timedelta(hours=1)
"""A build this old without a release never gets one."""


def collect_images(parts: Parts) -> int:
    """Remove the images of releases that are no longer kept, and of builds that never ran. Says how many."""
    with parts.db.read(platform=REASON) as session:
        plans = _collectable_releases(session, parts.settings.releases_kept)
        builds = _unused_builds(session)
    removed = 0
    for release_ids, images in plans:
        for image in images:
            parts.runtime.remove_image(image)
            removed += 1
        with parts.db.write(platform=REASON) as session:
            for release in session.scalars(select(Release).where(Release.id.in_(release_ids))):
                release.collected_at = now()
    for build_id, image in builds:
        parts.runtime.remove_image(image)
        with parts.db.write(platform=REASON) as session:
            session.execute(delete(Build).where(Build.id == build_id))
        removed += 1
    if removed:
        log.info("images removed", extra={"count": removed})
    return removed


def trim_output(parts: Parts) -> None:
    """Forget replicas that ended long ago, with their output."""
    before = now() - timedelta(days=OUTPUT_DAYS)
    with parts.db.read(platform=REASON) as session:
        old = list(session.scalars(select(Replica.id).where(Replica.state == GONE, Replica.ended_at < before)))
    for replica_id in old:
        output.path_of(parts.settings, replica_id).unlink(missing_ok=True)
    if old:
        with parts.db.write(platform=REASON) as session:
            session.execute(delete(Replica).where(Replica.id.in_(old)))


def trim_logs(parts: Parts, logs: DeploymentLog) -> None:
    """Keep the logs of each app's last deployments."""
    age = func.row_number().over(partition_by=Deployment.app_id, order_by=Deployment.id.desc()).label("age")
    ended = [str(state) for state in ENDED]
    numbered = select(Deployment.id, age).where(Deployment.state.in_(ended)).subquery()
    with parts.db.read(platform=REASON) as session:
        old = list(session.scalars(select(numbered.c.id).where(numbered.c.age > LOGS_KEPT)))
    for deployment_id in old:
        logs.remove(deployment_id)


def _collectable_releases(session: Session, keep: int) -> list[tuple[tuple[int, ...], tuple[str, ...]]]:
    by_app: dict[tuple[int, str], list[Kept]] = defaultdict(list)
    query = select(Release.app_id, Release.environment, Release.id, Release.number, Release.image)
    for app_id, environment, id_, number, image in session.execute(query.where(Release.collected_at.is_(None))):
        by_app[app_id, environment].append(Kept(id_, number, image))
    many = {key: releases for key, releases in by_app.items() if len(releases) > keep}
    needed = _needed(session) if many else set()
    plans = [collectable(releases, keep=keep, needed=needed) for releases in many.values()]
    return [(plan.release_ids, plan.images) for plan in plans if plan.release_ids]


def _needed(session: Session) -> set[int]:
    """Releases that are live, run, are gone to, or were live before: where `slipway rollback` goes."""
    states = [str(state) for state in (*UNFINISHED, State.LIVE)]
    wanted = session.scalars(select(Deployment.release_id).where(Deployment.state.in_(states)))
    running = session.scalars(select(Replica.release_id).where(Replica.state != GONE))
    previous = select(Deployment.previous_id).where(Deployment.state == str(State.LIVE))
    before = session.scalars(select(Deployment.release_id).where(Deployment.id.in_(previous)))
    return {release_id for release_id in (*wanted, *running, *before) if release_id is not None}


def _unused_builds(session: Session) -> list[tuple[int, str]]:
    ended = [str(state) for state in ENDED]
    query = (
        select(Build.id, Build.image)
        .join(Deployment, Deployment.id == Build.deployment_id)
        .where(Deployment.state.in_(ended), Build.created_at < now() - _BUILD_AGE)
        .where(~select(Release.id).where(Release.build_id == Build.id).exists())
        .where(~select(Release.id).where(Release.image == Build.image).exists())
    )
    return [(build_id, image) for build_id, image in session.execute(query)]
