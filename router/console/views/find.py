"""The search over apps, pages and acts: a page, and what the search that `/` opens shows."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

from router.access import principal, services
from router.console import navigation
from router.console.asked import Asked
from router.console.routes import Values, page
from router.console.texts import text
from router.console.viewer import Viewer, viewer_of
from router.usecases.overviews.apps import app_names
from router.usecases.overviews.words import has_words
from slipway.core.naming.validation import app_name
from slipway.errors import InvalidInput

APPS_SHOWN = 8
_PATH = "/find"


@dataclass(frozen=True, slots=True)
class Found:
    name: str
    url: str
    kind: str
    """Its text below `[find_kinds]`."""
    key: str = ""


@page(_PATH, "find.html")
def show_search() -> Values:
    """`app` is the app of the page that the search is opened on."""
    asked = Asked(_PATH, request.args, ("q", "app"))
    words, app = asked.text("q"), asked.text("app")
    viewer = viewer_of(services(), principal())
    apps, more = _apps(words)
    found = [*(_of_app(viewer, app) if _is_name(app) else ()), *_pages(viewer)]
    matching = [each for each in found if has_words((each.name, text(f"find_kinds.{each.kind}")), words)]
    return {"words": words, "app": app, "found": [*apps, *matching] if words else [*matching, *apps], "more": more}


def _is_name(app: str) -> bool:
    try:
        return bool(app_name(app))
    except InvalidInput:
        return False


def _apps(words: str) -> tuple[list[Found], bool]:
    """The first ones; and whether there are more."""
    names = app_names(services(), principal(), words, limit=APPS_SHOWN + 1)
    found = [Found(name, url_for("console.show_app", app=name), "app") for name in names[:APPS_SHOWN]]
    return found, len(names) > APPS_SHOWN


def _pages(viewer: Viewer) -> list[Found]:
    main = [
        Found(text(f"navigation.{each.name}"), each.url, "page", f"g {each.key}")
        for each in navigation.links(viewer, request.path)
    ]
    tabs = [
        Found(text(f"tenant.{each.name}"), url_for(f"console.{each.endpoint}"), "tenant")
        for each in navigation.shown(navigation.TENANT_TABS, viewer)
    ]
    new = [Found(text("first_run.title"), url_for("console.show_new_app"), "page")] if viewer.may("developer") else []
    return [*main, *new, *tabs]


def _of_app(viewer: Viewer, app: str) -> list[Found]:
    """What is done with the app, and its pages."""
    acts = [
        Found(text(each.name, app=app), _address(each.endpoint, app, each.element), "act")
        for each in navigation.shown(navigation.APP_ACTS, viewer)
    ]
    tabs = [
        Found(f"{app}: {text(f'app.{each.name}')}", _address(each.endpoint, app), "page")
        for each in navigation.shown(navigation.APP_TABS, viewer)
    ]
    return [*acts, *tabs]


def _address(endpoint: str, app: str, element: str = "") -> str:
    return url_for(f"console.{endpoint}", app=app, _anchor=element or None)
