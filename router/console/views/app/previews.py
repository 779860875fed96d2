"""The previews of an app's pull requests."""

from __future__ import annotations

from flask import url_for

from router.access import principal, services
from router.api.previews import Approval
from router.console.asked import row_number
from router.console.routes import Done, Values, act, field, form, page
from router.console.texts import text
from router.console.views.app.overview import of_app
from router.usecases.previews import previews
from slipway.core.access.roles import Role


@page("/apps/<app>/previews", "app/previews.html")
def show_previews(app: str) -> Values:
    return of_app(app, "previews") | {"listed": previews.list_previews(services(), principal(), app)}


@act("/apps/<app>/previews/approve", role=Role.DEVELOPER)
def approve_preview(app: str) -> Done:
    """The commit that the page showed: another one is not approved."""
    wanted, number = form(Approval, besides=["number"]), row_number(field("number")) or 0
    previews.approve_preview(services(), principal(), app, number, commit=wanted.commit)
    return Done(url_for("console.show_previews", app=app), (text("acts.preview_approved", number=number),))


@act("/apps/<app>/previews/remove", role=Role.DEVELOPER)
def remove_preview(app: str) -> Done:
    number = row_number(field("number")) or 0
    previews.remove_preview(services(), principal(), app, number)
    return Done(url_for("console.show_previews", app=app), (text("acts.preview_removed", number=number),))
