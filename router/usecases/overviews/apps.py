"""A tenant's apps as they are looked for: by words, by state, in an order, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.overviews.recent_traffic import AppTraffic, recent_traffic
from router.usecases.overviews.words import has_words, numbered_page
from router.usecases.showing.app_states import figures, state_of, with_standing
from router.usecases.showing.apps import show_apps
from router.usecases.streams.figures import counts_now
from slipway.adapters.redis.edge_metrics import Counts, Kind, Subject
from slipway.core.deployment.app_state import AppState
from slipway.models import App

PER_PAGE = 50
_AT_ONCE = 500


class Order(StrEnum):
    NAME = "name"
    STATE = "state"
    """What needs somebody first."""
    DEPLOYED = "deployed"
    """The last deployment first."""


_URGENCY = (AppState.FAILED, AppState.DEPLOYING, AppState.EMPTY, AppState.STOPPED, AppState.RUNNING)


@dataclass(frozen=True, slots=True)
class AppQuery:
    words: str = ""
    """Each has to be in the name, the repository, the branch or the image."""
    state: AppState | None = None
    order: Order = Order.NAME
    page: int = 1


@dataclass(frozen=True, slots=True)
class FoundApps:
    apps: list[documents.App]
    """Those of the page."""
    found: int
    total: int
    by_state: dict[str, int]
    """Of those that the words find, whatever their state."""
    page: int
    pages: int
    traffic: dict[str, AppTraffic] = field(default_factory=dict)
    """By app's name, of those of the page."""
    counts: dict[str, Counts] = field(default_factory=dict)
    """The same, as edges count them now; without those that no edge has counted."""


def found_apps(services: Services, principal: Principal, query: AppQuery) -> Iterator[documents.App]:
    """Those that the query finds, on whatever page, read in portions."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = _search(session, query)
    for first in range(0, len(found.matching), _AT_ONCE):
        with services.db.read(tenant_id=principal.tenant_id) as session:
            portion = _shown(services, session, principal, _part(found, first, _AT_ONCE))
        yield from portion


def search_apps(services: Services, principal: Principal, query: AppQuery) -> FoundApps:
    """In as many queries for a thousand apps as for one. A page beyond the last is the last."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = _search(session, query)
        page = numbered_page(len(found.matching), query.page, PER_PAGE)
        shown = _part(found, page.first, PER_PAGE)
        apps = _shown(services, session, principal, shown)
    names = {each: row.name for each, row in shown.items()}
    traffic = _traffic(services, principal, [each.name for each in apps])
    now = counts_now(services, (Subject(Kind.APP, str(number)) for number in names))
    counts = {names[int(subject.id)]: each for subject, each in now.items()}
    by_state = {str(each): count for each, count in found.by_state.items()}
    return FoundApps(apps, len(found.matching), found.total, by_state, page.number, page.last, traffic, counts)


def _traffic(services: Services, principal: Principal, names: list[str]) -> dict[str, AppTraffic]:
    """Of hours, so it may be some seconds old; what was asked for just now is in `counts`."""

    def find() -> dict[str, AppTraffic]:
        with services.db.read(tenant_id=principal.tenant_id) as session:
            return recent_traffic(session, names)

    found: dict[str, AppTraffic] = services.traffic.value((principal.tenant_id, *names), find)
    return found


def app_names(services: Services, principal: Principal, words: str, *, limit: int) -> list[str]:
    """The first names that have each of the words, those that begin with the first of them before others."""
    wanted = words.lower().split()
    begins = App.name.startswith(wanted[0] if wanted else "", autoescape=True)
    having = [App.name.contains(word, autoescape=True) for word in wanted]
    statement = select(App.name).where(App.deleted_at.is_(None), *having).order_by(begins.desc(), App.name).limit(limit)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return list(session.scalars(statement))


@dataclass(frozen=True, slots=True)
class _Search:
    matching: Mapping[int, Row[Any]]
    """By the app's id, in order."""
    total: int
    by_state: Mapping[AppState, int]
    """Of those that the words find, whatever their state."""


def _part(found: _Search, first: int, count: int) -> dict[int, Row[Any]]:
    return dict(islice(found.matching.items(), first, first + count))


def _search(session: Session, query: AppQuery) -> _Search:
    columns = (App.id, App.name, *((App.repository, App.branch, App.image) if query.words else ()))
    apps: Select[Any] = select(*columns).where(App.deleted_at.is_(None))
    rows = session.execute(with_standing(apps).order_by(App.name)).all()
    named = [row for row in rows if has_words(row[1 : len(columns)], query.words)]
    states = [state_of(row) for row in named]
    matching = [(row, state) for row, state in zip(named, states, strict=True) if query.state in (None, state)]
    if query.order is not Order.NAME:  # of equal ones the names decide
        matching.sort(key=lambda each: _place(each[0], each[1], query.order))
    return _Search({row.id: row for row, _ in matching}, len(rows), Counter(states))


def _place(row: Row[Any], state: AppState, order: Order) -> int:
    return _URGENCY.index(state) if order is Order.STATE else -(row.latest_id or 0)


def _shown(
    services: Services, session: Session, principal: Principal, found: Mapping[int, Row[Any]]
) -> list[documents.App]:
    """In their order. One that was deleted meanwhile is left out."""
    rows = {row.id: row for row in session.scalars(select(App).where(App.id.in_(found)))}
    known = {each: figures(row) for each, row in found.items() if each in rows}
    return show_apps(session, [rows[each] for each in known], principal.tenant, services.settings, known)
