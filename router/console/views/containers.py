"""All replicas of the tenant, with what they use."""

from __future__ import annotations

from flask import request

from router.access import principal, services
from router.console.asked import Asked
from router.console.routes import Values, page
from router.usecases.overviews.containers import ASCENDING, ContainerQuery, Order, search_containers
from slipway.core.rollout.replica_states import ReplicaState

PER_PAGE = 50
_PATH = "/containers"
_KEPT = ("q", "state", "app", "order", "reverse")


@page(_PATH, "containers.html")
def show_containers() -> Values:
    asked = Asked(_PATH, request.args, _KEPT)
    query = ContainerQuery(
        words=asked.text("q"),
        state=asked.one_of("state", ReplicaState),
        app=asked.text("app"),
        order=asked.one_of("order", Order) or Order.APP,
        reverse=asked.text("reverse") == "1",
        page=asked.number("page"),
        per_page=PER_PAGE,
    )
    found = search_containers(services(), principal(), query)
    return {
        "found": found,
        "query": query,
        "columns": _columns(asked, query),
        "orders": list(Order),
        "states": [each for each in ReplicaState if each in found.by_state or each == query.state],
        "address": asked.address,
        "export": asked.address_of("/api/exports/containers"),
    }


def _columns(asked: Asked, query: ContainerQuery) -> dict[str, tuple[str, str]]:
    """Order → the address that asks for it, or for the other way round where it is in force; and how it is sorted now,
    as `aria-sort` says it."""
    found = {}
    for each in Order:
        is_here = each is query.order
        ascending = (each in ASCENDING) != query.reverse
        sorted_now = ("ascending" if ascending else "descending") if is_here else "none"
        found[str(each)] = (asked.address(order=each, reverse="1" if is_here and not query.reverse else ""), sorted_now)
    return found
