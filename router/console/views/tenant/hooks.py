"""Hooks of repositories, and what was delivered to them."""

from __future__ import annotations

from flask import Response, request, url_for

from router import documents
from router.access import principal, services
from router.api.hooks import NewHook
from router.console import responses
from router.console.asked import Asked
from router.console.routes import Done, Values, act, field, form, page
from router.console.texts import text
from router.usecases import hooks
from router.usecases.access import github
from router.usecases.confirmation import require_confirmation
from router.usecases.overviews.hooks import search_hooks
from slipway.core.access.roles import Role

DELIVERIES_SHOWN = 50


@page("/tenant/hooks", "tenant/hooks.html")
def show_hooks() -> Values:
    return _values()


@page("/tenant/hooks/<hook>", "tenant/deliveries.html")
def show_deliveries(hook: str) -> Values:
    """What became of each delivery."""
    delivered = hooks.list_deliveries(services(), principal(), hook, DELIVERIES_SHOWN).deliveries
    return {
        "tab": "hooks",
        "hook": hooks.get_hook(services(), principal(), hook),
        "deliveries": delivered,
        "most": DELIVERIES_SHOWN,
    }


@act("/tenant/hooks", role=Role.OWNER)
def create_hook() -> Response:
    """The secret is in this answer only."""
    return _with_secret(hooks.create_hook(services(), principal(), form(NewHook).repository))


@act("/tenant/hooks/rotate", role=Role.OWNER)
def rotate_hook() -> Response:
    """As above."""
    return _with_secret(hooks.rotate_hook(services(), principal(), field("hook")))


@act("/tenant/hooks/delete", role=Role.OWNER)
def delete_hook() -> Done:
    found = hooks.get_hook(services(), principal(), field("hook"))
    require_confirmation("hook", found.repository, field("confirm"))
    hooks.delete_hook(services(), principal(), found.id)
    return Done(url_for("console.show_hooks"), (text("acts.hook_deleted", repository=found.repository),))


def _with_secret(made: documents.Hook) -> Response:
    return responses.page("tenant/hooks.html", _values() | {"made": made})


def _values() -> Values:
    asked = Asked("/tenant/hooks", request.args, ("q",))
    words = asked.text("q")
    found = search_hooks(services(), principal(), words, asked.number("page"))
    return {
        "tab": "hooks",
        "found": found,
        "words": words,
        "address": asked.address,
        "made": None,
        "github": github.show(services(), principal()),
        "github_urls": github.connect_urls(services(), principal()) if principal().role is Role.OWNER else None,
    }
