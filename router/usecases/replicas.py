"""Replicas as the agent recorded them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from slipway.core.rollout.crash import Crash
from slipway.errors import DependencyUnavailable, NotFound
from slipway.models import App, Release, Replica

ENDED_SHOWN = 20
_SHORT_ID = 12
_READY = "ready"


def list_replicas(services: Services, principal: Principal, app_name: str, *, ended: bool) -> documents.Replicas:
    """The running ones; with `ended`, the last ones that ended too."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        query = select(Replica, Release).join(Release, Release.id == Replica.release_id).where(Replica.app_id == app.id)
        running = query.where(Replica.ended_at.is_(None)).order_by(Replica.process, Replica.slot, Replica.created_at)
        rows = [*session.execute(running)]
        if ended:
            last = query.where(Replica.ended_at.is_not(None)).order_by(Replica.ended_at.desc()).limit(ENDED_SHOWN)
            rows += session.execute(last)
        return documents.Replicas(replicas=[_shown(row, release) for row, release in rows])


def replica_health(services: Services, principal: Principal, identity: str) -> documents.ReplicaHealth:
    """The health of a replica, named by its id or its container's (in full, or its first 12 characters)."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        row, app = _replica(session, identity)
        release = session.get_one(Release, row.release_id).configuration
    used = _used_now(services, row)
    return documents.ReplicaHealth(
        id=row.id,
        app=app,
        process=row.process,
        state=row.state,
        ready=row.state == _READY and row.ended_at is None,
        ready_at=row.ready_at,
        last_probe=_last_probe(services, row),
        restarts=row.restarts,
        last_crash=crash_of(row),
        out_of_memory_at=row.out_of_memory_at,
        measured_at=datetime.fromtimestamp(used["at"], UTC) if used else None,
        cpus=used.get("cpus"),
        cpus_limit=used.get("cpus_limit", release.get("cpus")),
        memory_bytes=used.get("memory_bytes"),
        memory_limit_bytes=used.get("memory_limit_bytes", release.get("memory_bytes")),
    )


def replica_stats(services: Services, principal: Principal, identity: str) -> documents.ReplicaStats:
    """What a running replica uses, from the agent. It is named as for `replica_health`.

    Raises:
        NotFound: there is none, or it does not run.
    """
    with services.db.read(tenant_id=principal.tenant_id) as session:
        row, app = _replica(session, identity)
        replica_id = row.id
    used = services.agent.stats(replica_id)
    at = datetime.fromtimestamp(used.pop("at"), UTC)
    return documents.ReplicaStats(id=replica_id, app=app, at=at, **used)


def _used_now(services: Services, row: Replica) -> dict[str, Any]:
    """Empty: it does not run, or the agent does not answer."""
    if row.ended_at is not None:
        return {}
    try:
        return services.agent.stats(row.id)
    except (NotFound, DependencyUnavailable):
        return {}


def _last_probe(services: Services, row: Replica) -> documents.LastProbe | None:
    """What the agent remembers; else the one by which the replica became ready."""
    found = None
    with suppress(DependencyUnavailable):
        found = services.agent.last_probe(row.id) if row.ended_at is None else None
    if found is not None:
        at = found.pop("at")
        return documents.LastProbe(at=None if at is None else datetime.fromtimestamp(at, UTC), **found)
    if row.ready_at is None:
        return None
    return documents.LastProbe(answered=True, at=row.ready_at, failures=0, error=None)


def _replica(session: Session, identity: str) -> tuple[Replica, str]:
    query = select(Replica, App.name).join(App, App.id == Replica.app_id)
    found = session.execute(query.where(_identified(identity))).first()
    if found is None:
        raise NotFound(f"There is no container {identity[:64]!r} here.", remedy="see an app's: slipway ps --all -a APP")
    row, app = found
    return row, app


def readable_replicas(session: Session, app_name: str, replica: str | None) -> list[str]:
    """The replicas whose output is read: the one that is named (also when it ended), or all that run.

    Raises:
        NotFound: the app has no such replica.
    """
    app = app_named(session, app_name)
    query = select(Replica.id).filter_by(app_id=app.id)
    if replica is None:
        return list(session.scalars(query.where(Replica.ended_at.is_(None)).order_by(Replica.process, Replica.slot)))
    found = session.scalar(query.where(Replica.id == replica))
    if found is None:
        raise NotFound(f"{app.name} has no replica {replica!r}.", remedy=f"see them: slipway ps -a {app.name}")
    return [found]


def followed_replicas(session: Session, app_name: str, replica: str | None, since: datetime) -> list[str]:
    """The same, and those that were made since then and ended already.

    Raises:
        NotFound: the app has no such replica.
    """
    if replica is not None:
        return readable_replicas(session, app_name, replica)
    found = or_(Replica.ended_at.is_(None), Replica.created_at >= since)
    query = select(Replica.id).filter_by(app_id=app_named(session, app_name).id).where(found)
    return list(session.scalars(query.order_by(Replica.process, Replica.slot, Replica.created_at)))


def _identified(identity: str) -> ColumnElement[bool]:
    by_id = or_(Replica.id == identity, Replica.container_id == identity)
    is_short = len(identity) == _SHORT_ID and identity.isalnum()
    return or_(by_id, Replica.container_id.startswith(identity, autoescape=True)) if is_short else by_id


def crash_of(row: Replica) -> documents.Crash | None:
    """How it last ended by itself."""
    if not row.last_crash:
        return None
    found = Crash.from_json(row.last_crash)
    return documents.Crash(
        at=found.when, cause=found.cause, exit_code=found.exit_code, out_of_memory=found.out_of_memory
    )


def _shown(row: Replica, release: Release) -> documents.Replica:
    return documents.Replica(
        id=row.id,
        process=row.process,
        slot=row.slot,
        release=release.number,
        state=row.state,
        address=row.address,
        restarts=row.restarts,
        exit_code=row.exit_code,
        last_crash=crash_of(row),
        out_of_memory_at=row.out_of_memory_at,
        memory_bytes=release.configuration.get("memory_bytes", 0),
        created_at=row.created_at,
        started_at=row.started_at,
        ready_at=row.ready_at,
        ended_at=row.ended_at,
    )
