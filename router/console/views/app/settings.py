"""What an app is made of and how it runs: its source, and the settings that slipway.toml has too."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from router import documents
from router.access import principal, services
from router.console.routes import Done, Values, act, page
from router.console.texts import text
from router.console.views.app import settings_form
from router.console.views.app.overview import of_app
from router.usecases import apps
from slipway.core.access.roles import Role
from slipway.errors import InvalidInput

_SOURCE = ("repository", "branch", "image")


@page("/apps/<app>/settings", "app/settings.html")
def show_settings(app: str) -> Values:
    return of_app(app, "settings") | {"groups": settings_form.groups(), "value_of": settings_form.value_of}


@act("/apps/<app>/settings", role=Role.DEVELOPER)
def set_settings(app: str) -> Done:
    before = apps.get_app(services(), principal(), app)
    return _change(app, {"settings": settings_form.patch(before.settings, request.form)})


@act("/apps/<app>/source", role=Role.DEVELOPER)
def set_source(app: str) -> Done:
    """An empty credential leaves the one that is there."""
    before = apps.get_app(services(), principal(), app)
    given = {name: request.form[name].strip() for name in _SOURCE if name in request.form}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value != getattr(before, name)}
    if request.form.get("credential"):
        changes["credential"] = request.form["credential"]
    return _change(app, changes)


def _change(app: str, changes: dict[str, Any]) -> Done:
    if not changes or changes == {"settings": {}}:
        raise InvalidInput("nothing was changed", remedy="change a field, then save")
    changed = apps.change_app(services(), principal(), app, changes)
    if changed.deployment is not None:
        return Done(url_for("console.show_deployment", deployment=changed.deployment.id), tuple(changed.notices))
    return Done(url_for("console.show_settings", app=app), (_what_it_means(changed), *changed.notices))


def _what_it_means(changed: documents.ChangedApp) -> str:
    if changed.at_the_edge:
        return text("acts.settings_at_the_edge")
    return text("acts.settings_with_next" if changed.with_next_build else "acts.settings_changed")
