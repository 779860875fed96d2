"""The pages that every page leads to, in one ordered table. A row whose page is not there is not shown."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, url_for

from router.console.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Destination:
    endpoint: str
    """The page's view."""
    name: str
    """Its text below `[navigation]`, and its icon."""
    key: str
    """`g` and this key lead there."""
    for_platform_admins: bool = False


DESTINATIONS = (
    Destination("show_apps", "apps", "a"),
    Destination("show_containers", "containers", "c"),
    Destination("show_dashboard", "dashboard", "d"),
    Destination("show_usage", "usage", "u"),
    Destination("show_tenant", "tenant", "t"),
    Destination("show_platform", "platform", "p", for_platform_admins=True),
)


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    url: str
    key: str
    is_here: bool


def links(viewer: Viewer, path: str) -> list[Link]:
    """For who looks, at the page of that path."""
    shown = [each for each in DESTINATIONS if f"console.{each.endpoint}" in current_app.view_functions]
    allowed = [each for each in shown if not each.for_platform_admins or viewer.is_platform_admin]
    urls = {each: url_for(f"console.{each.endpoint}") for each in allowed}
    return [Link(each.name, url, each.key, _is_below(path, url)) for each, url in urls.items()]


def _is_below(path: str, url: str) -> bool:
    """What is of one app, and deployments, are below the list of apps."""
    if url == "/":
        return path == "/" or path.startswith(("/apps", "/deployments"))
    return path == url or path.startswith(f"{url}/")
