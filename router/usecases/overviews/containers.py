"""All replicas of a tenant with what they use: found by words, filtered, in an order, a page at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, case, select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.overviews.words import has_words, numbered_page
from router.usecases.replicas import crash_of
from router.usecases.showing.images import image_label
from slipway.adapters.redis.edge_metrics import EdgeMetrics, ReplicaTraffic
from slipway.core.rollout.replica_states import ReplicaState
from slipway.domain.usage.recent import RecentUse, replicas_use
from slipway.errors import DependencyUnavailable
from slipway.models import App, Deployment, Release, Replica

PER_PAGE = 50
_AT_ONCE = 500
_URGENCY = {
    each: place
    for place, each in enumerate(
        (ReplicaState.CRASHED, ReplicaState.STARTING, ReplicaState.DRAINING, ReplicaState.READY, ReplicaState.GONE)
    )
}


class Order(StrEnum):
    APP = "app"
    STATE = "state"
    """What needs somebody first."""
    CPU = "cpu"
    MEMORY = "memory"
    REQUESTS = "requests"
    RESTARTS = "restarts"
    AGE = "age"
    IMAGE = "image"


ASCENDING = {Order.APP, Order.STATE, Order.IMAGE}
"""Orders that begin with the smallest; of the others the largest comes first."""


@dataclass(frozen=True, slots=True)
class ContainerQuery:
    words: str = ""
    """Each has to be in the replica's id, its app, its process or its image."""
    state: ReplicaState | None = None
    app: str = ""
    order: Order = Order.APP
    reverse: bool = False
    page: int = 1
    per_page: int = PER_PAGE


class _Known(NamedTuple):
    """A replica's row, and what it is ordered or found by beside that."""

    row: Row[*tuple[Any, ...]]
    image: str = ""
    use: RecentUse | None = None
    traffic: ReplicaTraffic | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    matching: list[_Known]
    total: int
    by_state: Mapping[str, int]


def search_containers(services: Services, principal: Principal, query: ContainerQuery) -> documents.Containers:
    """In as many queries for three thousand replicas as for one. A page beyond the last is the last."""
    found = _search(services, principal, query)
    page = numbered_page(len(found.matching), query.page, query.per_page)
    shown = found.matching[page.first : page.first + query.per_page]
    containers = _documents(services, principal, [each.row.id for each in shown])
    return documents.Containers(
        containers=containers,
        found=len(found.matching),
        total=found.total,
        by_state=dict(found.by_state),
        page=page.number,
        pages=page.last,
    )


def all_containers(services: Services, principal: Principal, query: ContainerQuery) -> Iterator[documents.Container]:
    """Those that the query finds, on whatever page, read in portions."""
    matching = _search(services, principal, query).matching
    for first in range(0, len(matching), _AT_ONCE):
        yield from _documents(services, principal, [each.row.id for each in matching[first : first + _AT_ONCE]])


def _search(services: Services, principal: Principal, query: ContainerQuery) -> _Found:
    """Of all replicas no more is read than they are found and ordered by."""
    has_image = bool(query.words) or query.order is Order.IMAGE
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = session.execute(_running(query, with_image=has_image)).all()
        use = replicas_use(session, time.time()) if query.order in _OF_USE else {}
    traffic = traffic_of(services, [row.id for row in rows]) if query.order is Order.REQUESTS else {}
    known = [_Known(row, image_label(row) if has_image else "", use.get(row.id), traffic.get(row.id)) for row in rows]
    named = [each for each in known if _is_named(each, query)]
    matching = [each for each in named if query.state in (None, each.row.state)]
    _sort(matching, query)
    return _Found(matching, len(rows), Counter(each.row.state for each in named))


def traffic_of(services: Services, replicas: Sequence[str]) -> Mapping[str, ReplicaTraffic]:
    """What the edges count of each. Without Redis nothing is known of any."""
    try:
        return EdgeMetrics(services.redis).replicas(services.figures.edges(), replicas)
    except DependencyUnavailable:
        return {}


_IMAGE = (Release.number.label("release"), Release.digest, Release.commit_sha, Deployment.source, Deployment.ref)
"""What people call it by."""
_OF_USE = {Order.CPU, Order.MEMORY}


def _running(query: ContainerQuery, *, with_image: bool) -> Any:
    """In order, but for what only Python knows of them."""
    columns = (Replica.id, Replica.state, App.name.label("app"), *((Replica.process,) if query.words else ()))
    statement = select(*columns).join(App, App.id == Replica.app_id).where(Replica.ended_at.is_(None))
    if with_image:
        statement = statement.add_columns(*_IMAGE).join(Release, Release.id == Replica.release_id)
        statement = statement.outerjoin(Deployment, Deployment.id == Replica.deployment_id)
    if query.order in _COLUMNS:
        column = _COLUMNS[query.order]
        ascends = _is_ascending(query) != (query.order is Order.AGE)  # what was created first is the oldest
        statement = statement.order_by(column.asc() if ascends else column.desc())
    return statement.order_by(App.name, Replica.process, Replica.slot, Replica.created_at)


def _is_ascending(query: ContainerQuery) -> bool:
    return (query.order in ASCENDING) != query.reverse


def _is_named(known: _Known, query: ContainerQuery) -> bool:
    row = known.row
    if query.app not in ("", row.app):
        return False
    return not query.words or has_words((row.id, row.app, row.process, known.image), query.words)


_COLUMNS: Mapping[Order, ColumnElement[Any]] = {
    Order.APP: App.name.expression,
    Order.STATE: case({str(state): place for state, place in _URGENCY.items()}, value=Replica.state),
    Order.RESTARTS: Replica.restarts.expression,
    Order.AGE: Replica.created_at.expression,
}
_PLACES: Mapping[Order, Callable[[_Known], Any]] = {
    Order.CPU: lambda each: each.use.cpus if each.use else None,
    Order.MEMORY: lambda each: each.use.memory_bytes if each.use else None,
    Order.REQUESTS: lambda each: each.traffic.requests_per_s if each.traffic else None,
    Order.IMAGE: lambda each: each.image,
}


def _sort(found: list[_Known], query: ContainerQuery) -> None:
    """By what the database does not know. What is not known comes last, whichever way; of equal ones the names
    decide."""
    place = _PLACES.get(query.order)
    if place is None:
        return
    unknown = [each for each in found if place(each) is None]
    known = [each for each in found if place(each) is not None]
    known.sort(key=place, reverse=not _is_ascending(query))
    found[:] = [*known, *unknown]


def _documents(services: Services, principal: Principal, ids: Sequence[str]) -> list[documents.Container]:
    """In the order of the ids, with all that is known of these. A replica may have gone since it was found."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = {row.Replica.id: row for row in session.execute(_shown(ids))}
        use = replicas_use(session, time.time(), ids)
    traffic = traffic_of(services, ids)
    return [_document(rows[each], use.get(each), traffic.get(each)) for each in ids if each in rows]


def _shown(ids: Sequence[str]) -> Any:
    return (
        select(Replica, App.name.label("app"), *_IMAGE, Release.configuration)
        .join(App, App.id == Replica.app_id)
        .join(Release, Release.id == Replica.release_id)
        .outerjoin(Deployment, Deployment.id == Replica.deployment_id)
        .where(Replica.id.in_(ids))
    )


def _document(found: Any, use: RecentUse | None, traffic: ReplicaTraffic | None) -> documents.Container:
    row, configuration = found.Replica, found.configuration or {}
    return documents.Container(
        id=row.id,
        app=found.app,
        process=row.process,
        slot=row.slot,
        release=found.release,
        image=image_label(found),
        digest=found.digest,
        state=row.state,
        restarts=row.restarts,
        last_crash=crash_of(row),
        created_at=row.created_at,
        started_at=row.started_at,
        ready_at=row.ready_at,
        cpus=use.cpus if use else None,
        cpus_limit=configuration.get("cpus"),
        memory_bytes=use.memory_bytes if use else None,
        memory_limit_bytes=configuration.get("memory_bytes"),
        requests=traffic.requests if traffic else None,
        failed=traffic.failed if traffic else None,
        requests_per_s=traffic.requests_per_s if traffic else None,
        inflight=traffic.inflight if traffic else None,
    )
