"""Accounts at GitHub whose repositories the tenant's apps come from: connected by a way through GitHub and back."""

from __future__ import annotations

from flask import Response, request, url_for

from router.access import principal, services
from router.console import responses
from router.console.routes import Done, act, field, page
from router.console.texts import text
from router.usecases.access import github
from router.usecases.confirmation import require_confirmation
from slipway.core.access.roles import Role
from slipway.core.github.manifest import INSTALLED_PATH
from slipway.errors import InvalidInput, NotFound


@page(INSTALLED_PATH, "tenant/hooks.html", role=Role.OWNER)
def finish_connecting() -> Response:
    """Back from GitHub."""
    accounts = github.finish_connecting(services(), principal(), given("code"), given("state"))
    said = text("acts.github_connected", accounts=", ".join(accounts))
    return responses.done(url_for("console.show_hooks"), said)


@act("/tenant/github/disconnect", role=Role.OWNER)
def disconnect_installation() -> Done:
    number = field("installation")
    found = [each for each in github.show(services(), principal()).installations if str(each.id) == number]
    if not found:
        raise NotFound("there is no such installation here", remedy="reload the page")
    require_confirmation("installation", found[0].account, field("confirm"))
    github.disconnect(services(), principal(), found[0].id)
    return Done(url_for("console.show_hooks"), (text("acts.github_disconnected", account=found[0].account),))


def given(name: str) -> str:
    """Raises `InvalidInput`: GitHub sent the browser back without it, or somebody came by another way."""
    value = request.args.get(name, "")
    if not value:
        raise InvalidInput(
            f"{name} is missing: this page is where GitHub sends browsers back to",
            remedy="begin again from the console",
        )
    return value
