"""Requests that were tried, to be tried again: the last ones of each person, and those that somebody saved for all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from router.principal import Principal
from router.services import Services
from router.usecases.finding import NUMBER_MAX, app_named
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import App, TriedRequest

LAST_MOST, SAVED_MOST, NAME_MOST = 20, 50, 80
Fields = Mapping[str, Any]
"""What the form of the page has."""


@dataclass(frozen=True, slots=True)
class KeptRequest:
    id: int
    name: str
    fields: Fields
    status: int | None
    total_s: float | None
    tried_at: datetime


@dataclass(frozen=True, slots=True)
class KeptRequests:
    saved: list[KeptRequest]
    """By name."""
    last: list[KeptRequest]
    """The newest first."""

    def of(self, number: int) -> KeptRequest | None:
        return next((each for each in (*self.saved, *self.last) if each.id == number), None)


def list_kept(services: Services, principal: Principal, app_name: str) -> KeptRequests:
    """Those of the caller, and those that are saved."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        query = _seen_by(principal, app).order_by(TriedRequest.id.desc())
        rows = [_shown(services, app, row) for row in session.scalars(query)]
    saved = sorted((row for row in rows if row.name), key=lambda row: row.name.lower())
    return KeptRequests(saved, [row for row in rows if not row.name])


def keep(
    services: Services,
    principal: Principal,
    app_name: str,
    fields: Fields,
    *,
    status: int | None,
    total_s: float | None,
) -> None:
    """Add it to the caller's last ones; the oldest of more than `LAST_MOST` goes."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        row = TriedRequest(
            tenant_id=app.tenant_id,
            app_id=app.id,
            person=_person(principal),
            name="",
            sealed=services.values.seal(json.dumps(dict(fields)), *_place(app)),
            status=status,
            total_ms=None if total_s is None else round(1000 * total_s),
        )
        session.add(row)
        session.flush()
        own = select(TriedRequest.id).filter_by(app_id=app.id, person=_person(principal), name="")
        kept = session.scalars(own.order_by(TriedRequest.id.desc()).offset(LAST_MOST)).all()
        session.execute(delete(TriedRequest).where(TriedRequest.id.in_(kept)))


def save(services: Services, principal: Principal, app_name: str, number: int, name: str) -> None:
    """Give one of the caller's last ones a name, under which everybody finds it who may try requests at the app."""
    wanted = name.strip()
    if not wanted or len(wanted) > NAME_MOST or not wanted.isprintable():
        raise InvalidInput(f"a name has 1 to {NAME_MOST} letters")
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        row = _row(session, principal, app, number)
        saved = select(func.count()).select_from(TriedRequest).where(TriedRequest.app_id == app.id)
        if (session.scalar(saved.where(TriedRequest.name != "")) or 0) >= SAVED_MOST:
            raise Conflict(f"{app.name} has {SAVED_MOST} saved requests, as many as it may", remedy="remove one")
        if session.scalar(saved.where(TriedRequest.name == wanted)):
            raise Conflict(f"{app.name} has a saved request {wanted!r} already", remedy="take another name")
        row.name = wanted


def forget(services: Services, principal: Principal, app_name: str, number: int) -> None:
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        session.delete(_row(session, principal, app, number))


def _row(session: Session, principal: Principal, app: App, number: int) -> TriedRequest:
    query = _seen_by(principal, app).where(TriedRequest.id == min(number, NUMBER_MAX))
    row = session.scalar(query)
    if row is None:
        raise NotFound(f"There is no such request of {app.name} any more.", remedy="reload the page")
    return row


def _seen_by(principal: Principal, app: App) -> Select[TriedRequest]:
    mine_or_saved = or_(TriedRequest.person == _person(principal), TriedRequest.name != "")
    return select(TriedRequest).where(TriedRequest.app_id == app.id, mine_or_saved)


def _shown(services: Services, app: App, row: TriedRequest) -> KeptRequest:
    fields = json.loads(services.values.open(row.sealed, *_place(app)))
    return KeptRequest(row.id, row.name, fields, row.status, _seconds(row.total_ms), row.tried_at)


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _place(app: App) -> Iterable[object]:
    return (app.tenant_id, app.id, "tried request")


def _person(principal: Principal) -> str:
    return f"{principal.kind}:{principal.id}"
