"""Who may use an app, and how much of it: policies and limits."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from router.access import principal, services
from router.api.access.limits import NewLimit
from router.api.access.policies import NewAccess
from router.console.routes import Done, Values, act, checked, field, form, page
from router.console.texts import text
from router.console.views.app.overview import of_app
from router.usecases.access import limits, policies
from slipway.core.access.roles import Role


@page("/apps/<app>/access", "app/access.html")
def show_access(app: str) -> Values:
    return of_app(app, "access") | {"access": policies.show_access(services(), principal(), app)}


@act("/apps/<app>/access", role=Role.DEVELOPER)
def set_access(app: str) -> Done:
    """One policy a line: for the whole app `public`, for a path `/admin role:owner`."""
    wanted = checked(NewAccess, _said(field("allow"), field("paths")))
    shown = policies.set_access(services(), principal(), app, wanted.settings())
    return Done(url_for("console.show_access", app=app), (text("acts.access_changed"), *shown.notices))


@page("/apps/<app>/limits", "app/limits.html")
def show_limits(app: str) -> Values:
    return of_app(app, "limits") | {"limits": limits.app_limits(services(), principal(), app)}


@act("/apps/<app>/limits", role=Role.DEVELOPER)
def set_limit(app: str) -> Done:
    wanted = form(NewLimit, besides=["name", "dry_run"], dry_run="dry_run" in request.form)
    changed = limits.set_app_limit(services(), principal(), app, wanted.named(field("name").strip()))
    return Done(url_for("console.show_limits", app=app), (text("acts.limit_set", name=field("name")), *changed.notices))


@act("/apps/<app>/limits/remove", role=Role.DEVELOPER)
def remove_limit(app: str) -> Done:
    limits.remove_app_limit(services(), principal(), app, field("name"))
    return Done(url_for("console.show_limits", app=app), (text("acts.limit_removed", name=field("name")),))


def _said(allow: str, paths: str) -> dict[str, Any]:
    rules = [line.split(maxsplit=1) for line in paths.splitlines() if line.strip()]
    said: dict[str, Any] = {"paths": [{"path": rule[0], "allow": _terms("".join(rule[1:]))} for rule in rules]}
    return said | ({"allow": _terms(allow)} if allow.strip() else {})


def _terms(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
