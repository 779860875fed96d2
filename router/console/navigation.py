"""The pages that every page leads to, the tabs of an app and of the tenant, and the acts of an app, each an ordered
table. A row whose page is not there, or takes a role that the viewer lacks, is not shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for

from router.console.viewer import Viewer
from slipway.core.access.roles import Role


@dataclass(frozen=True, slots=True)
class Destination:
    endpoint: str
    """The page's view."""
    name: str
    """Its text below `[navigation]`, and its icon."""
    key: str
    """`g` and this key lead there."""
    for_platform_admins: bool = False


@dataclass(frozen=True, slots=True)
class Tab:
    endpoint: str
    name: str
    """Its text below `[app]` or `[tenant]`."""


@dataclass(frozen=True, slots=True)
class AppAct:
    """Something to do with an app, as the search over all leads to it. The search itself changes nothing: it leads to
    where the act is done."""

    endpoint: str
    """The page that has it."""
    act: str
    """The view that does it, whose role it takes."""
    name: str
    """Its text."""
    element: str = ""
    """What gets the focus there: a button, or the first field of a form."""


DESTINATIONS = (
    Destination("show_apps", "apps", "a"),
    Destination("show_containers", "containers", "c"),
    Destination("show_dashboard", "dashboard", "d"),
    Destination("show_usage", "usage", "u"),
    Destination("show_tenant", "tenant", "t"),
    Destination("show_platform", "platform", "p", for_platform_admins=True),
)
APP_TABS = (
    Tab("show_app", "overview"),
    Tab("show_logs", "logs"),
    Tab("show_domains", "domains"),
    Tab("show_variables", "variables"),
    Tab("show_previews", "previews"),
    Tab("show_access", "access"),
    Tab("show_limits", "limits"),
    Tab("show_settings", "settings"),
    Tab("show_try", "try"),
)
TENANT_TABS = (
    Tab("show_tenant", "quota"),
    Tab("show_people", "people"),
    Tab("show_tokens", "tokens"),
    Tab("show_hooks", "hooks"),
    Tab("show_publishers", "publishers"),
    Tab("show_audit", "audit"),
)
APP_ACTS = (
    AppAct("show_app", "deploy", "find_acts.deploy", "deploy"),
    AppAct("show_app", "scale", "find_acts.scale", "replicas"),
    AppAct("show_app", "roll_back", "find_acts.roll_back", "app_deployments"),
    AppAct("show_variables", "set_variable", "find_acts.set_variable", "name"),
    AppAct("show_domains", "add_domain", "find_acts.add_domain", "host"),
    AppAct("show_limits", "set_limit", "find_acts.set_limit", "name"),
    AppAct("show_deletion", "delete_app", "find_acts.delete"),
)


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    url: str
    key: str
    is_here: bool


def links(viewer: Viewer, path: str) -> list[Link]:
    """For who looks, at the page of that path."""
    allowed = [each for each in shown(DESTINATIONS, viewer) if not each.for_platform_admins or viewer.is_platform_admin]
    urls = {each: url_for(f"console.{each.endpoint}") for each in allowed}
    return [Link(each.name, url, each.key, _is_below(path, url)) for each, url in urls.items()]


def shown(rows: Iterable[Any], viewer: Viewer) -> list[Any]:
    """Those whose page is there and is for the viewer's role; of acts the act's role counts."""
    return [row for row in rows if _may(viewer, row.endpoint) and _may(viewer, getattr(row, "act", row.endpoint))]


def _may(viewer: Viewer, endpoint: str) -> bool:
    view = current_app.view_functions.get(f"console.{endpoint}")
    return view is not None and viewer.may(str(getattr(view, "role", Role.OWNER)))


def _is_below(path: str, url: str) -> bool:
    """What is of one app, and deployments, are below the list of apps."""
    if url == "/":
        return path == "/" or path.startswith(("/apps", "/deployments"))
    return path == url or path.startswith(f"{url}/")
