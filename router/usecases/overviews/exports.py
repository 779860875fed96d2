"""Tables for other programs, read in portions while they are sent: no length is too much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.overviews.apps import AppQuery, found_apps
from router.usecases.overviews.container_events import DAYS, container_days
from router.usecases.overviews.containers import ContainerQuery, all_containers
from router.usecases.showing import usage
from router.usecases.showing.usage import Wanted
from slipway.core.text.exports import Row, Table, time_cell
from slipway.core.usage.flat_rows import COLUMNS as USAGE_COLUMNS
from slipway.core.usage.periods import DAYS_KEPT
from slipway.errors import InvalidInput
from slipway.models import App, Deployment, Release

AT_ONCE = 500
"""Rows of one transaction."""


@dataclass(frozen=True, slots=True)
class Between:
    """A time; None: without a beginning, or up to now."""

    from_: datetime | None = None
    to: datetime | None = None


def apps(services: Services, principal: Principal, query: AppQuery) -> Table:
    return Table(_APP_COLUMNS, map(_app, found_apps(services, principal, query)))


def containers(services: Services, principal: Principal, query: ContainerQuery) -> Table:
    """Those that are there."""
    return Table(_CONTAINER_COLUMNS, map(_container, all_containers(services, principal, query)))


def deployments(services: Services, principal: Principal, app: str, created: Between) -> Table:
    """Of all apps, or of one; the newest first.

    Raises:
        NotFound: there is no such app.
    """
    app_id = None
    if app:
        with services.db.read(tenant_id=principal.tenant_id) as session:
            app_id = app_named(session, app).id
    return Table(_DEPLOYMENT_COLUMNS, _deployments(services, principal, app_id, created))


def usage_of(services: Services, principal: Principal, app: str, wanted: Wanted) -> Table:
    """What was used, step by step. Raises `NotFound` and `InvalidInput` as `showing.usage` does."""
    return Table(USAGE_COLUMNS, usage.rows(services, principal, app or None, wanted))


def days_of_containers(services: Services, principal: Principal, between: Between) -> Table:
    """How many were created and removed on each day (UTC); of the last week, where no time is given.

    Raises:
        InvalidInput: it ends before it begins, or is longer than anything is kept.
    """
    last = (between.to or datetime.now(UTC)).astimezone(UTC).date()
    first = between.from_.astimezone(UTC).date() if between.from_ else last - timedelta(days=DAYS - 1)
    if not timedelta(0) <= last - first <= DAYS_KEPT:
        raise InvalidInput(
            f"From {first} to {last} is no time of 1 to {DAYS_KEPT.days} days.", remedy="give `from` before `to`"
        )
    days: list[Row] = []
    while first <= last:
        with services.db.read(tenant_id=principal.tenant_id) as session:
            some = container_days(session, first, min(_DAYS_AT_ONCE, (last - first).days + 1))
        days += [{"day": str(each.day), "created": each.created, "removed": each.removed} for each in some]
        first += timedelta(days=len(some))
    return Table(("day", "created", "removed"), days)


_DAYS_AT_ONCE = 50
_APP_COLUMNS = (
    *("app", "state", "source", "repository", "branch", "image", "replicas_ready", "replicas_wanted"),
    *("release", "version", "message", "pushed_by", "live_at", "created_at"),
)
_CONTAINER_COLUMNS = (
    *("id", "app", "process", "slot", "release", "image", "digest", "state", "restarts", "last_crash"),
    *("created_at", "started_at", "ready_at", "cpus", "cpus_limit", "memory_bytes", "memory_limit_bytes"),
    *("requests", "failed", "requests_per_s", "inflight"),
)
_DEPLOYMENT_COLUMNS = (
    *("id", "app", "environment", "kind", "state", "source", "ref", "commit", "message", "pushed_by", "actor"),
    *("release", "reason", "created_at", "started_at", "live_at", "ended_at"),
)


def _app(app: documents.App) -> Row:
    live = app.live
    values = {name: getattr(app, name) for name in ("state", "source", "repository", "branch", "image")}
    return values | {
        "app": app.name,
        "replicas_ready": app.replicas.ready,
        "replicas_wanted": app.replicas.wanted,
        "release": live.release.number if live and live.release else None,
        "version": (live.commit or live.digest) if live else "",
        "message": live.message if live else "",
        "pushed_by": live.pushed_by if live else "",
        "live_at": time_cell(live.live_at if live else None),
        "created_at": time_cell(app.created_at),
    }


def _container(container: documents.Container) -> Row:
    values = {name: getattr(container, name) for name in _CONTAINER_COLUMNS}
    times = {name: time_cell(values[name]) for name in ("created_at", "started_at", "ready_at")}
    return values | times | {"last_crash": container.last_crash.cause if container.last_crash else ""}


def _deployments(services: Services, principal: Principal, app_id: int | None, created: Between) -> Iterator[Row]:
    before: int | None = None
    while True:
        with services.db.read(tenant_id=principal.tenant_id) as session:
            rows = session.execute(_deployments_query(app_id, created, before).limit(AT_ONCE)).all()
        yield from (_deployment(*row) for row in rows)
        if len(rows) < AT_ONCE:
            return
        before = rows[-1][0].id


def _deployments_query(app_id: int | None, created: Between, before: int | None) -> Select[Deployment, str, int]:
    query = select(Deployment, App.name, Release.number).join(App, App.id == Deployment.app_id)
    query = query.outerjoin(Release, Release.id == Deployment.release_id).order_by(Deployment.id.desc())
    if app_id is not None:
        query = query.where(Deployment.app_id == app_id)
    if created.from_ is not None:
        query = query.where(Deployment.created_at >= created.from_)
    if created.to is not None:
        query = query.where(Deployment.created_at < created.to)
    return query if before is None else query.where(Deployment.id < before)


def _deployment(row: Deployment, app: str, release: int | None) -> Row:
    names = ("id", "environment", "kind", "state", "source", "ref", "message", "pushed_by", "actor", "reason")
    times = {name: time_cell(getattr(row, name)) for name in ("created_at", "started_at", "live_at", "ended_at")}
    values = {name: getattr(row, name) for name in names}
    return values | times | {"app": app, "commit": row.commit_sha, "release": release}
