"""A tenant's apps as they are looked for: by words, by state, in an order, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.overviews.recent_traffic import AppTraffic, recent_traffic
from router.usecases.overviews.words import has_words, numbered_page
from router.usecases.showing.app_states import NONE, AppFigures, figures_of
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
            ids = found.matching[first : first + _AT_ONCE]
            portion = _shown(services, session, principal, ids, found.figures)
        yield from portion


def search_apps(services: Services, principal: Principal, query: AppQuery) -> FoundApps:
    """In as many queries for a thousand apps as for one. A page beyond the last is the last."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = _search(session, query)
        page = numbered_page(len(found.matching), query.page, PER_PAGE)
        ids = found.matching[page.first : page.first + PER_PAGE]
        apps = _shown(services, session, principal, ids, found.figures)
        names = dict(session.execute(select(App.id, App.name).where(App.id.in_(ids))).all())
    traffic = _traffic(services, principal, [each.name for each in apps])
    now = counts_now(services, (Subject(Kind.APP, str(number)) for number in names))
    counts = {names[int(subject.id)]: each for subject, each in now.items()}
    by_state = Counter(str(each.state) for each in found.figures.values())
    return FoundApps(apps, len(found.matching), found.total, dict(by_state), page.number, page.last, traffic, counts)


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
    matching: list[int]
    """The apps' ids, in order."""
    total: int
    figures: dict[int, AppFigures]
    """Of those that the words find."""


def _search(session: Session, query: AppQuery) -> _Search:
    columns = (App.id, App.name, App.repository, App.branch, App.image)
    rows = session.execute(select(*columns).where(App.deleted_at.is_(None)).order_by(App.name)).all()
    named = [row for row in rows if has_words((row.name, row.repository, row.branch, row.image), query.words)]
    known = figures_of(session)
    figures = {row.id: known.get(row.id, NONE) for row in named}
    matching = [row.id for row in named if query.state in (None, figures[row.id].state)]
    matching.sort(key=lambda each: _place(figures[each], query.order))  # of equal ones the names decide
    return _Search(matching, len(rows), figures)


def _shown(
    services: Services, session: Session, principal: Principal, ids: Sequence[int], figures: dict[int, AppFigures]
) -> list[documents.App]:
    """In the order of the ids. One that was deleted meanwhile is left out."""
    rows = {row.id: row for row in session.scalars(select(App).where(App.id.in_(ids)))}
    apps = [rows[each] for each in ids if each in rows]
    return show_apps(session, apps, principal.tenant, services.settings, figures)


def _place(figures: AppFigures, order: Order) -> int:
    if order is Order.STATE:
        return _URGENCY.index(figures.state)
    return -(figures.latest_id or 0) if order is Order.DEPLOYED else 0
