"""From nothing to the first push: a new app, its hook, and the delivery that everybody waits for."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from router.access import principal, services
from router.api.apps import NewApp
from router.console import responses
from router.console.routes import Done, Values, act, form, page
from router.usecases import apps, hooks
from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.core.naming import validation
from slipway.errors import InvalidInput


def values(*, is_first: bool) -> Values:
    return {"is_first": is_first, "public_url": services().settings.public_url}


@page("/new", "new_app.html", role=Role.DEVELOPER)
def show_new_app() -> Values:
    return values(is_first=False)


@act("/new", role=Role.DEVELOPER)
def create_app() -> Done | Response:
    """Of a repository or of an image. The hook's secret is in this answer only."""
    from_image = request.form.get("from") == "image"
    with_hook = not from_image and roles.may(principal().role, Role.OWNER)
    new = form(NewApp, besides=["from"], hook=with_hook)
    made = apps.create_app(services(), principal(), apps.NewApp(**_chosen(dict(new), from_image=from_image)))
    if made.hook is None or made.hook.secret is None:
        return Done(url_for("console.show_first_push", app=made.name), tuple(made.notices))
    return responses.page("first_push.html", _first_push(made.name) | {"secret": made.hook.secret})


@page("/apps/<app>/first-push", "first_push.html")
def show_first_push(app: str) -> Values:
    return _first_push(app)


def _chosen(given: dict[str, Any], *, from_image: bool) -> dict[str, Any]:
    """The form has fields for both sources; those of the other one count for nothing."""
    other, wanted = ("repository", "image") if from_image else ("image", "repository")
    if not given[wanted]:
        raise InvalidInput(f"{wanted} is missing", remedy="give where the app comes from")
    return given | {other: None} | ({"branch": "main"} if from_image else {})


def _first_push(name: str) -> Values:
    app = apps.get_app(services(), principal(), name)
    identity = validation.repository_identity(app.repository) if app.repository else ""
    hook = hooks.hook_of_repository(services(), principal(), identity) if identity else None
    delivered = hooks.list_deliveries(services(), principal(), hook.id, 1).deliveries if hook is not None else []
    return {"app": app, "hook": hook, "secret": "", "delivery": delivered[0] if delivered else None}
