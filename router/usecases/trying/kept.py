"""Requests that were tried, to be tried again: the last ones of each person, and those that somebody saved for all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from router.principal import Principal
from router.services import Services
from router.usecases.finding import NUMBER_MAX, app_named
from router.usecases.trying import answers
from slipway.core.routing.compared_answers import KeptAnswer
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
    has_answer: bool
    """Which the caller may compare with another."""

    def is_as(self, other: KeptRequest) -> bool:
        return all(self.fields[name] == other.fields[name] for name in ("method", "host", "path"))


@dataclass(frozen=True, slots=True)
class KeptRequests:
    saved: list[KeptRequest]
    """By name."""
    last: list[KeptRequest]
    """The newest first."""

    def of(self, number: int) -> KeptRequest | None:
        return next((each for each in (*self.saved, *self.last) if each.id == number), None)

    @property
    def answered(self) -> list[KeptRequest]:
        """Those whose answers the caller may compare, the newest first."""
        return sorted((each for each in (*self.saved, *self.last) if each.has_answer), key=lambda each: -each.id)

    @property
    def before_last(self) -> KeptRequest | None:
        """The same request as the last one, when it was answered the time before."""
        last = self.last[0] if self.last and self.last[0].has_answer else None
        return next((each for each in self.answered if last and each.id < last.id and each.is_as(last)), None)


def list_kept(services: Services, principal: Principal, app_name: str) -> KeptRequests:
    """Those of the caller, and those that are saved."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        is_own = and_(TriedRequest.person == _person(principal), TriedRequest.sealed_answer.is_not(None))
        query = _seen_by(principal, app).add_columns(is_own).order_by(TriedRequest.id.desc())
        rows = [_shown(services, app, row, has_answer=has_answer) for row, has_answer in session.execute(query)]
    saved = sorted((row for row in rows if row.name), key=lambda row: row.name.lower())
    return KeptRequests(saved, [row for row in rows if not row.name])


def kept_answers(services: Services, principal: Principal, app_name: str, numbers: Sequence[int]) -> list[KeptAnswer]:
    """Of requests that the caller tried. A colleague's is not found, also where its request is saved for all: an app
    may answer each person with what only they may read."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        return [_answer(session, services, principal, app, number) for number in numbers]


def keep(services: Services, principal: Principal, app_name: str, fields: Fields, *, answer: KeptAnswer | None) -> None:
    """Add it to the caller's last ones; the oldest of more than `LAST_MOST` goes."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        row = TriedRequest(
            tenant_id=app.tenant_id,
            app_id=app.id,
            person=_person(principal),
            name="",
            sealed=services.values.seal(json.dumps(dict(fields)), *_place(app)),
            sealed_answer=answer and services.values.seal(answers.written(answer), *_answer_place(app, principal)),
            status=answer and answer.status,
            total_ms=answer and round(1000 * answer.total_s),
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


def _answer(session: Session, services: Services, principal: Principal, app: App, number: int) -> KeptAnswer:
    own = select(TriedRequest.sealed_answer).filter_by(app_id=app.id, person=_person(principal))
    sealed = session.scalar(own.where(TriedRequest.id == min(number, NUMBER_MAX)))
    if sealed is None:
        raise NotFound(
            f"That answer of {app.name} is not kept, or not any more: your last {LAST_MOST} are, and those you saved.",
            remedy="choose two others",
        )
    return answers.read(services.values.open(sealed, *_answer_place(app, principal)))


def _shown(services: Services, app: App, row: TriedRequest, *, has_answer: bool) -> KeptRequest:
    fields = json.loads(services.values.open(row.sealed, *_place(app)))
    return KeptRequest(row.id, row.name, fields, row.status, _seconds(row.total_ms), row.tried_at, bool(has_answer))


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _place(app: App) -> Iterable[object]:
    return (app.tenant_id, app.id, "tried request")


def _answer_place(app: App, principal: Principal) -> Iterable[object]:
    """It opens for that person alone."""
    return (app.tenant_id, app.id, "answer to a tried request", _person(principal))


def _person(principal: Principal) -> str:
    return f"{principal.kind}:{principal.id}"
