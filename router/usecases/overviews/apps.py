"""A tenant's apps as they are looked for: by words, by state, in an order, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.showing.app_states import NONE, AppFigures, figures_of
from router.usecases.showing.apps import show_apps
from slipway.core.deployment.app_state import AppState
from slipway.models import App

PER_PAGE = 50


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


def search_apps(services: Services, principal: Principal, query: AppQuery) -> FoundApps:
    """In as many queries for a thousand apps as for one. A page beyond the last is the last."""
    columns = (App.id, App.name, App.repository, App.branch, App.image)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = session.execute(select(*columns).where(App.deleted_at.is_(None)).order_by(App.name)).all()
        named = [row for row in rows if _has_words((row.name, row.repository, row.branch, row.image), query.words)]
        figures = figures_of(session)
        figures = {row.id: figures.get(row.id, NONE) for row in named}
        matching = [row.id for row in named if query.state in (None, figures[row.id].state)]
        matching.sort(key=lambda each: _place(figures[each], query.order))  # of equal ones the names decide
        pages = max(1, -(-len(matching) // PER_PAGE))
        page = min(max(1, query.page), pages)
        shown = matching[(page - 1) * PER_PAGE : page * PER_PAGE]
        found = {row.id: row for row in session.scalars(select(App).where(App.id.in_(shown)))}
        rows_shown = [found[each] for each in shown]
        apps = show_apps(session, rows_shown, principal.tenant, services.settings.public_url, figures)
    by_state = Counter(str(each.state) for each in figures.values())
    return FoundApps(apps, len(matching), len(rows), dict(by_state), page, pages)


def _has_words(texts: Iterable[str], words: str) -> bool:
    said = "\n".join(texts).lower()
    return all(word in said for word in words.lower().split())


def _place(figures: AppFigures, order: Order) -> int:
    if order is Order.STATE:
        return _URGENCY.index(figures.state)
    return -(figures.latest_id or 0) if order is Order.DEPLOYED else 0
