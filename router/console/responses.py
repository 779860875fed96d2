"""How the console answers: a page, a fragment of one, the way on after an act, a problem."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from flask import Response, g, request, url_for

from router.access import services
from router.console import navigation, notices, rendering
from router.console.viewer import Viewer, viewer_of, without_tenant
from router.problems import PROBLEMS
from slipway.core.identity.local_path import local_path
from slipway.errors import SlipwayError
from slipway.models import now

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PROBLEM = "problem"
"""The element of every page in which a problem of an act or of a fragment is shown."""
_FRAGMENTS = "HX-Fragments"
"""The header in which `console.js` lists the blocks that a change touches."""


def page(template: str, values: dict[str, Any], status: int = 200) -> Response:
    """The page; or the fragments that it asks for: the blocks that are called like the elements to be replaced."""
    viewer = viewer_of(services(), g.principal) if "principal" in g else None
    given = {**values, "viewer": viewer, "url_for": url_for, "navigation": navigation}
    names = [each for each in _wanted_fragments() if rendering.has_fragment(template, each)]
    if names:
        return _html("".join(rendering.fragment(template, each, given) for each in names), status)
    response = _html(rendering.whole(template, given | _of_layout(viewer)), status)
    notices.said(response)
    return response


def done(location: str, *said: str) -> Response:
    """After an act: on to a page of the console, which says what became of it."""
    response = _html("", 200) if is_htmx() else _html("", 303)
    response.headers["HX-Redirect" if is_htmx() else "Location"] = location
    response.autocorrect_location_header = False
    notices.say(response, *said)
    return response


def problem(error: SlipwayError) -> Response:
    """The API's problem document, as a page or as a fragment with the same words and the same status."""
    document = PROBLEMS.complete(error.problem())
    somebody = None if "principal" in g else without_tenant(services())
    values = {"problem": document, "back": _back(), "somebody": somebody}
    if not is_htmx():
        response = page("problem.html", values, error.status)
    else:
        response = _html(rendering.fragment("problem.html", PROBLEM, values), error.status)
        response.headers["HX-Retarget"] = f"#{PROBLEM}"
        response.headers["HX-Reswap"] = "innerHTML"
    if error.status in (429, 503):
        response.headers["Retry-After"] = str(error.details.get("retry_after_s", PROBLEMS.retry_after_s))
    return response


def to_sign_in() -> Response:
    """Where people sign in on this host, and back to what they asked for."""
    start = "/auth/login" if services().sign_on is not None else "/auth/token"
    asked = request.full_path.rstrip("?") if request.method == "GET" and not is_htmx() else "/"
    return done(f"{start}?to={quote(local_path(asked), safe='/')}")


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def is_refresh() -> bool:
    """Does an open page ask for its blocks again by itself?"""
    return is_htmx() and _FRAGMENTS in request.headers


def _back() -> str:
    """The page of ours that the request came from; else the first one."""
    came_from = urlsplit(request.referrer or "")
    is_ours = came_from.netloc == urlsplit(services().settings.public_url).netloc
    return local_path(came_from._replace(scheme="", netloc="").geturl()) if is_ours and came_from.path else "/"


def _wanted_fragments() -> list[str]:
    """`console.js` lists all that a change touches; htmx itself names the one element as `section#apps`."""
    if not is_htmx():
        return []
    listed = list(dict.fromkeys(request.headers.get(_FRAGMENTS, "").split()))
    return listed or [request.headers.get("HX-Target", "").partition("#")[2]]


def _of_layout(viewer: Viewer | None) -> dict[str, Any]:
    return {
        "links": navigation.links(viewer, request.path) if viewer is not None else [],
        "said": notices.waiting(),
        "rendered_at": now(),
        "sign_on": services().sign_on is not None,
    }


def _html(text: str, status: int) -> Response:
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
