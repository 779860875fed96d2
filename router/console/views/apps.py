"""All apps of the tenant."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from router.access import principal, services
from router.console import responses
from router.console.routes import Values, page
from router.console.views import first_run
from router.usecases.overviews.apps import AppQuery, Order, search_apps
from slipway.core.deployment.app_state import AppState

_PAGES_MOST = 10_000


@page("/", "apps.html")
def show_apps() -> Values | Response:
    query = _query()
    found = search_apps(services(), principal(), query)
    if found.total == 0:
        return responses.page("new_app.html", first_run.values(is_first=True))
    return {"found": found, "query": query, "orders": list(Order), "states": list(AppState), "address": _address}


def _query() -> AppQuery:
    """What can't be read counts as not given: an address is shown as well as it can be."""
    given = request.args
    state, order, number = given.get("state", ""), given.get("order", ""), given.get("page", "")
    return AppQuery(
        words=given.get("q", "")[:200],
        state=AppState(state) if state in set(AppState) else None,
        order=Order(order) if order in set(Order) else Order.NAME,
        page=min(int(number), _PAGES_MOST) if number.isascii() and number.isdecimal() and len(number) < 6 else 1,
    )


def _address(**changed: Any) -> str:
    """This list's address with something else asked for: its first page, unless a page is named."""
    asked = {name: request.args[name] for name in ("q", "order", "state") if name in request.args} | changed
    said = urlencode({name: value for name, value in asked.items() if value not in ("", None)})
    return f"/?{said}" if said else "/"
