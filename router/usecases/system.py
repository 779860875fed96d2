"""The state of the platform's own services. Each is asked, and one that fails does not fail the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from redis.exceptions import RedisError
from sqlalchemy import select

from router import documents
from router.documents import SystemStatus
from router.services import Services
from slipway.adapters.redis import keys
from slipway.adapters.redis.work_queue import BUILDS, workers_at_work
from slipway.errors import SlipwayError
from slipway.models import Edge, RouteTable

_FINE = documents.ServiceHealth(ok=True)


def system_health(services: Services) -> documents.System:
    """Every service, with the edges' generations, the number of workers and the queue's length."""
    database, (table, registered) = _asked(lambda: _routes(services), (None, []))
    redis, (confirmed, workers, queued) = _asked(lambda: _redis(services), ({}, 0, 0))
    agent, _status = _asked(services.agent.status, {})
    identity = _asked(services.identity.check, None)[0] if services.identity else None
    edges = [_edge(name, table, confirmed.get(name)) for name in sorted({*registered, *confirmed})]
    asked = [database, redis, agent, *([identity] if identity else [])]
    fine = all(each.ok for each in asked) and workers > 0 and all(edge.ok for edge in edges)
    return documents.System(
        status=str(SystemStatus.OK if fine else SystemStatus.DEGRADED),
        database=database,
        redis=redis,
        agent=agent,
        identity=identity,
        generation=table.generation if table else 0,
        edges=edges,
        workers=workers,
        queue_length=queued,
    )


def _asked(ask: Callable[[], Any], otherwise: Any) -> tuple[documents.ServiceHealth, Any]:
    try:
        return _FINE, ask()
    except SlipwayError as error:
        return documents.ServiceHealth(ok=False, detail=error.message), otherwise
    except RedisError as error:
        return documents.ServiceHealth(ok=False, detail=f"Redis does not answer: {type(error).__name__}"), otherwise


def _routes(services: Services) -> tuple[RouteTable | None, list[str]]:
    with services.db.read(platform="how the edges are") as session:
        return session.scalars(select(RouteTable)).first(), list(session.scalars(select(Edge.id)))


def _redis(services: Services) -> tuple[dict[str, dict[str, Any]], int, int]:
    from rq import Queue  # noqa: PLC0415  heavy, and only needed here

    reported = cast("dict[bytes, bytes]", services.redis.hgetall(keys.CONFIRMED))
    confirmed = {name.decode(): json.loads(value) for name, value in reported.items()}
    queue = Queue(BUILDS, connection=services.redis)
    return confirmed, workers_at_work(services.redis), queue.count


def _edge(name: str, table: RouteTable | None, confirmed: dict[str, Any] | None) -> documents.EdgeHealth:
    if confirmed is None:
        return documents.EdgeHealth(id=name, ok=False, epoch="", generation=0, confirmed_at=None)
    newest = table is None or confirmed["generation"] >= table.generation
    return documents.EdgeHealth(
        id=name,
        ok=newest,
        epoch=confirmed["epoch"],
        generation=confirmed["generation"],
        confirmed_at=datetime.fromtimestamp(float(confirmed["at"]), UTC) if confirmed.get("at") else None,
    )
