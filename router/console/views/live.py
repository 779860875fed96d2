"""The one stream of a page: what has changed, and the lines of the log that the page shows."""

from __future__ import annotations

from flask import Response, request

from router.access import principal, requires, services, stays_admitted
from router.console import assets
from router.console.figures import cells
from router.console.routes import blueprint
from router.streams.events import Events
from router.usecases import deployments
from router.usecases.streams import changes, following, replica_output
from router.usecases.streams.figures import ShownFigures
from slipway.core.access.roles import Role
from slipway.errors import InvalidInput

_TAIL = 200
_LATE_MS = 5000
"""Lines of this long before the position are sent again: the page drops those that it has."""


@blueprint.get("/live")
@requires(Role.VIEWER)
def follow_page() -> Response:
    """`since` is when the page was made, and `Last-Event-ID` the position of a client that comes back; `shown_apps` and
    `shown_replicas` are those whose figures the page shows."""
    since = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    return services().followers.stream(_events(since), principal(), stays_admitted())


follow_page.role = Role.VIEWER  # type: ignore[attr-defined]


@blueprint.get(f"{assets.PATH}<name>")
def get_asset(name: str) -> Response:
    """For anybody: it is the same for all."""
    return assets.respond(name)


def _events(since: str) -> Events:
    app, deployment = request.args.get("app", ""), request.args.get("deployment", "")
    if app:
        replica = request.args.get("replica") or None
        replica_output.check_readable(services(), principal(), app, replica)
        came_back = request.headers.get("Last-Event-ID", "")
        lines = replica_output.follow_output(
            services(), principal(), app, replica=replica, tail=_TAIL, after=_as_time(came_back)
        )
        return changes.beside(lines, services(), principal(), since)
    if deployment:
        number = _number(deployment)
        deployments.get_deployment(services(), principal(), number)
        after = _as_position(request.headers.get("Last-Event-ID") or request.args.get("after", ""))
        lines = following.log_events(services(), principal(), number, after)
        return changes.beside(lines, services(), principal(), since)
    shown = (_names("shown_apps"), _names("shown_replicas"))
    return changes.tenant_changes(services(), principal(), since, ShownFigures(services(), principal(), *shown, cells))


def _names(parameter: str) -> list[str]:
    return [each for each in request.args.get(parameter, "").split(",") if each]


def _number(text: str) -> int:
    if not text.isdecimal():
        raise InvalidInput("deployment is a number", remedy="reload the page")
    return int(text)


def _as_time(text: str) -> str:
    """A position of any kind as one of a replica's line."""
    found = changes.position(text)
    return "" if found is None else f"{found:%Y-%m-%dT%H:%M:%S}Z"


def _as_position(text: str) -> str:
    """A position of any kind as one of a deployment's log: its own is exact."""
    found = changes.position(text)
    if found is None or (text.partition("-")[0].isdecimal() and "T" not in text):
        return text
    return f"{max(0, int(found.timestamp() * 1000) - _LATE_MS)}-0"
