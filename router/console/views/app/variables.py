"""An app's variables: names, and a value only when somebody asks for it, which is recorded."""

from __future__ import annotations

from flask import Response, request, url_for

from router.access import principal, services
from router.console import responses
from router.console.routes import Done, Values, act, field, page
from router.console.texts import text
from router.console.views.app.overview import of_app
from router.usecases import variables
from router.usecases.confirmation import require_confirmation
from router.usecases.variables import Changes
from slipway.core.access.roles import Role
from slipway.core.text import env_file


@page("/apps/<app>/variables", "app/variables.html")
def show_variables(app: str) -> Values:
    return _values(app)


@act("/apps/<app>/variables/reveal", role=Role.DEVELOPER)
def reveal_variable(app: str) -> Response:
    """The value is in this answer only."""
    shown = variables.reveal_variable(services(), principal(), app, name=field("name"), scope=field("scope"))
    return responses.page("app/variables.html", _values(app) | {"revealed": shown})


@act("/apps/<app>/variables", role=Role.DEVELOPER)
def set_variable(app: str) -> Done:
    return _change(app, Changes({field("name").strip(): field("value")}, secret="secret" in request.form))


@act("/apps/<app>/variables/import", role=Role.DEVELOPER)
def import_variables(app: str) -> Done:
    return _change(app, Changes(env_file.parse(field("file").encode()), secret="secret" in request.form))


@act("/apps/<app>/variables/remove", role=Role.DEVELOPER)
def remove_variable(app: str) -> Done:
    """Its value is lost for good."""
    require_confirmation("variable", field("name"), field("confirm"))
    return _change(app, Changes(remove=[field("name")]))


def _values(app: str) -> Values:
    listed = variables.list_names(services(), principal(), app).variables
    return of_app(app, "variables") | {"variables": listed, "revealed": None}


def _change(app: str, wanted: Changes) -> Done:
    scope = "build" if field("scope") == "build" else "run"
    changed = variables.change_variables(services(), principal(), app, wanted, scope=scope)
    if changed.deployment is not None:
        return Done(url_for("console.show_deployment", deployment=changed.deployment.id))
    said = "acts.variables_changed" if changed.changed else "acts.nothing_changed"
    return Done(url_for("console.show_variables", app=app), (text(said, names=", ".join(changed.changed)),))
