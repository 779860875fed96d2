"""Removal of what must not grow for ever: images of old releases, kept output, logs, rows of replicas long gone."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from builder.agent.scope import REASON
from builder.agent.telemetry.output import OutputStore
from slipway.core.build.step_cache import DeletedApp
from slipway.core.deployment.retention import Kept, collectable
from slipway.core.deployment.states import ENDED, WITH_WORKER, State
from slipway.core.rollout.replica_states import GONE
from slipway.db import Database
from slipway.domain.releases.needed import needed_releases
from slipway.models import Build, Deployment, Release, Replica, now
from slipway.ports.building import ImageBuilder
from slipway.ports.logs import DeploymentLog
from slipway.ports.runtime import ContainerRuntime, OwnImage

log = logging.getLogger(__name__)

OUTPUT_DAYS = 14
OUTPUT_KEPT = 100
"""Ended replicas of an app whose output is kept, however lately they ended."""
LOGS_KEPT = 100
"""Deployments of an app whose logs are kept."""
_BUILD_AGE = timedelta(hours=1)
"""A build this old without a release never gets one."""


def collect_images(db: Database, runtime: ContainerRuntime, *, keep: int) -> int:
    """Remove the images of all but an app's last `keep` releases, and of builds that never ran. Says how many."""
    with db.read(platform=REASON) as session:
        plans = _collectable_releases(session, keep)
        builds = _unused_builds(session)
    removed = 0
    for release_ids, images in plans:
        for image in images:
            runtime.remove_image(image)
            removed += 1
        with db.write(platform=REASON) as session:
            for release in session.scalars(select(Release).where(Release.id.in_(release_ids))):
                release.collected_at = now()
    for build_id, image in builds:
        runtime.remove_image(image)
        with db.write(platform=REASON) as session:
            session.execute(delete(Build).where(Build.id == build_id))
        removed += 1
    if removed:
        log.info("images removed", extra={"count": removed})
    return removed


def collect_dangling(db: Database, runtime: ContainerRuntime, builder: Callable[[], ImageBuilder]) -> int:
    """Remove the images that no row names, and say how many: the worker was killed, or the database was unreachable,
    between an image and its row. While a worker may have claimed the deployment, its row may come at any moment, and
    the image stays."""
    listed = runtime.own_images()  # before SQL is asked: whatever is live by then has its row
    with db.read(platform=REASON) as session:
        dangling, ownerless = _dangling(session, listed)
    for image in dangling:
        runtime.remove_image(image.name)
    if ownerless:  # the app was deleted meanwhile, and its steps were in use then
        builder().forget_sources()
        builder().forget_steps(DeletedApp(deployment_ids=ownerless))
    if dangling:
        log.info("images without a row removed", extra={"images": [image.name for image in dangling]})
    return len(dangling)


def _dangling(session: Session, listed: Sequence[OwnImage]) -> tuple[list[OwnImage], frozenset[int]]:
    """Those to be removed, and the ids of their deployments that have no row."""
    known = {name for row in session.execute(select(Build.image, Build.digest)) for name in row}
    known |= set(session.scalars(select(Release.image)))
    unknown = [image for image in listed if image.name not in known]
    ids = {image.deployment_id for image in unknown}
    rows = session.execute(select(Deployment.id, Deployment.state).where(Deployment.id.in_(ids)))
    states = {deployment_id: state for deployment_id, state in rows}  # noqa: C416 - to mypy a row is not a pair
    claimable = {str(state) for state in (State.QUEUED, *WITH_WORKER)}
    dangling = [image for image in unknown if states.get(image.deployment_id) not in claimable]
    return dangling, frozenset(ids - states.keys())


def trim_output(db: Database, store: OutputStore) -> None:
    """Delete replicas that ended long ago, or before many others of their app, with their output."""
    before = now() - timedelta(days=OUTPUT_DAYS)
    age = func.row_number().over(partition_by=Replica.app_id, order_by=Replica.ended_at.desc()).label("age")
    ended = select(Replica.id, Replica.ended_at, age).where(Replica.state == GONE).subquery()
    too_old = or_(ended.c.ended_at < before, ended.c.age > OUTPUT_KEPT)
    with db.read(platform=REASON) as session:
        old = list(session.scalars(select(ended.c.id).where(too_old)))
    for replica_id in old:
        store.remove(replica_id)
    if old:
        with db.write(platform=REASON) as session:
            session.execute(delete(Replica).where(Replica.id.in_(old)))


def trim_logs(db: Database, logs: DeploymentLog) -> None:
    """Keep the logs of each app's last deployments."""
    age = func.row_number().over(partition_by=Deployment.app_id, order_by=Deployment.id.desc()).label("age")
    ended = [str(state) for state in ENDED]
    numbered = select(Deployment.id, age).where(Deployment.state.in_(ended)).subquery()
    with db.read(platform=REASON) as session:
        old = list(session.scalars(select(numbered.c.id).where(numbered.c.age > LOGS_KEPT)))
    for deployment_id in old:
        logs.remove(deployment_id)


def _collectable_releases(session: Session, keep: int) -> list[tuple[tuple[int, ...], tuple[str, ...]]]:
    by_app: dict[tuple[int, str], list[Kept]] = defaultdict(list)
    query = select(Release.app_id, Release.environment, Release.id, Release.number, Release.image)
    for app_id, environment, id_, number, image in session.execute(query.where(Release.collected_at.is_(None))):
        by_app[app_id, environment].append(Kept(id_, number, image))
    many = {key: releases for key, releases in by_app.items() if len(releases) > keep}
    needed = needed_releases(session) if many else set()
    plans = [collectable(releases, keep=keep, needed=needed) for releases in many.values()]
    return [(plan.release_ids, plan.images) for plan in plans if plan.release_ids]


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
