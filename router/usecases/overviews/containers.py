"""All replicas of a tenant with what they use: found by words, filtered, in an order, a page at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

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


@dataclass(frozen=True, slots=True)
class _Known:
    """A replica's row with its app and release, and what is known of its use."""

    row: Row[*tuple[Any, ...]]
    image: str
    use: RecentUse | None
    traffic: ReplicaTraffic | None


@dataclass(frozen=True, slots=True)
class _Found:
    shown: list[_Known]
    matching: list[_Known]
    total: int
    by_state: Mapping[str, int] = field(default_factory=dict)


def search_containers(services: Services, principal: Principal, query: ContainerQuery) -> documents.Containers:
    """In as many queries for three thousand replicas as for one. A page beyond the last is the last."""
    found = _search(services, principal, query)
    page = numbered_page(len(found.matching), query.page, query.per_page)
    shown = found.matching[page.first : page.first + query.per_page]
    with services.db.read(tenant_id=principal.tenant_id) as session:
        containers = _documents(session, shown)
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
        with services.db.read(tenant_id=principal.tenant_id) as session:
            portion = _documents(session, matching[first : first + _AT_ONCE])
        yield from portion


def _search(services: Services, principal: Principal, query: ContainerQuery) -> _Found:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = session.execute(_running()).all()
        use = replicas_use(session, time.time())
    traffic = traffic_of(services, [row.id for row in rows])
    known = [_Known(row, image_label(row), use.get(row.id), traffic.get(row.id)) for row in rows]
    named = [each for each in known if _is_named(each, query)]
    matching = [each for each in named if query.state in (None, each.row.state)]
    _sort(matching, query)
    return _Found([], matching, len(rows), Counter(each.row.state for each in named))


def traffic_of(services: Services, replicas: Sequence[str]) -> Mapping[str, ReplicaTraffic]:
    """What the edges count of each. Without Redis nothing is known of any."""
    try:
        return EdgeMetrics(services.redis).replicas(services.figures.edges(), replicas)
    except DependencyUnavailable:
        return {}


def _running() -> Any:
    columns = (Replica.id, Replica.process, Replica.slot, Replica.state, Replica.restarts, Replica.created_at)
    return (
        select(*columns, App.name.label("app"), Release.number.label("release"), Release.digest, Release.commit_sha)
        .add_columns(Deployment.source, Deployment.ref, Release.id.label("release_id"))
        .join(App, App.id == Replica.app_id)
        .join(Release, Release.id == Replica.release_id)
        .outerjoin(Deployment, Deployment.id == Replica.deployment_id)
        .where(Replica.ended_at.is_(None))
        .order_by(App.name, Replica.process, Replica.slot, Replica.created_at)
    )


def _is_named(known: _Known, query: ContainerQuery) -> bool:
    row = known.row
    return query.app in ("", row.app) and has_words((row.id, row.app, row.process, known.image), query.words)


_PLACES: Mapping[Order, Callable[[_Known], Any]] = {
    Order.APP: lambda each: each.row.app,
    Order.STATE: lambda each: _URGENCY[each.row.state],
    Order.CPU: lambda each: each.use.cpus if each.use else None,
    Order.MEMORY: lambda each: each.use.memory_bytes if each.use else None,
    Order.REQUESTS: lambda each: each.traffic.requests_per_s if each.traffic else None,
    Order.RESTARTS: lambda each: each.row.restarts,
    Order.AGE: lambda each: -each.row.created_at.timestamp(),
    Order.IMAGE: lambda each: each.image,
}


def _sort(found: list[_Known], query: ContainerQuery) -> None:
    """What is not known comes last, whichever way; of equal ones the names decide."""
    place = _PLACES[query.order]
    unknown = [each for each in found if place(each) is None]
    known = [each for each in found if place(each) is not None]
    known.sort(key=place, reverse=(query.order not in ASCENDING) != query.reverse)
    found[:] = [*known, *unknown]


def _documents(session: Session, shown: Sequence[_Known]) -> list[documents.Container]:
    """With what is read of those that are shown alone."""
    rows = select(Replica).where(Replica.id.in_([each.row.id for each in shown]))
    replicas = {row.id: row for row in session.scalars(rows)}
    releases = select(Release.id, Release.configuration).where(Release.id.in_({each.row.release_id for each in shown}))
    limits: dict[int, dict[str, Any]] = dict(session.execute(releases).all())
    # A replica may have gone since it was found.
    return [
        _document(each, replicas[each.row.id], limits.get(each.row.release_id) or {})
        for each in shown
        if each.row.id in replicas
    ]


def _document(known: _Known, row: Replica, configuration: Mapping[str, Any]) -> documents.Container:
    use, traffic = known.use, known.traffic
    return documents.Container(
        id=row.id,
        app=known.row.app,
        process=row.process,
        slot=row.slot,
        release=known.row.release,
        image=known.image,
        digest=known.row.digest,
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
