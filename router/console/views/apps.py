"""All apps of the tenant."""

from __future__ import annotations

from flask import Response, request

from router.access import principal, services
from router.console import responses
from router.console.asked import Asked
from router.console.routes import Values, page
from router.console.views import first_run
from router.usecases.overviews.apps import AppQuery, Order, search_apps
from slipway.core.deployment.app_state import AppState


@page("/", "apps.html")
def show_apps() -> Values | Response:
    asked = Asked("/", request.args, ("q", "order", "state"))
    query = _query(asked)
    found = search_apps(services(), principal(), query)
    if found.total == 0:
        return responses.page("new_app.html", first_run.values(is_first=True))
    return {
        "found": found,
        "query": query,
        "orders": list(Order),
        "states": list(AppState),
        "address": asked.address,
        "export": asked.address_of("/api/exports/apps"),
    }


def _query(asked: Asked) -> AppQuery:
    return AppQuery(
        words=asked.text("q"),
        state=asked.one_of("state", AppState),
        order=asked.one_of("order", Order) or Order.NAME,
        page=asked.number("page"),
    )
