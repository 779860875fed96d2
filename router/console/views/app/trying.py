"""The try-it panel of an app: requests to its own hosts, through the edge (docs/decisions/0056)."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from router.access import principal, services
from router.console import responses
from router.console.asked import row_number
from router.console.routes import Done, Values, act, field, page
from router.console.texts import text
from router.console.views.app.overview import of_app
from router.console.views.tenant.people import number_of
from router.login.reading import session_value
from router.problems import PROBLEMS
from router.usecases.trying import answers, kept, sending
from router.usecases.trying.sending import Tried, Wanted
from slipway.core.access.roles import Role
from slipway.core.routing import tried_request
from slipway.core.text.shown_body import ShownBody, shown_body
from slipway.errors import SlipwayError

_FIELDS = ("host", "method", "path", "headers", "body", "count")
_EMPTY = {"method": "GET", "path": "/", "headers": "", "body": "", "count": "1"}


@page("/apps/<app>/try", "app/try.html", role=Role.DEVELOPER)
def show_try(app: str) -> Values:
    """Filled with a request that was tried before, where the address names one."""
    values = _values(app)
    again = row_number(request.args.get("again", ""))
    found = None if again is None else values["kept"].of(again)
    return values | ({"fields": {**values["fields"], **found.fields}} if found else {})


@act("/apps/<app>/try", role=Role.DEVELOPER)
def try_request(app: str) -> Response:
    """What was sent stays in the form, also where it could not be."""
    of_app(app, "try")  # somebody else's app is not there, whatever the form has
    fields = {name: request.form.get(name, "") for name in _FIELDS}
    as_oneself = request.form.get("as") == "oneself"
    try:
        tried = _sent(app, fields, as_oneself=as_oneself)
    except SlipwayError as error:
        document = PROBLEMS.complete(error.problem())
        shown = _values(app) | {"fields": fields, "as_oneself": as_oneself, "problem": document}
        return responses.page("app/try.html", shown, error.status)
    kept.keep(services(), principal(), app, fields, answer=answers.to_keep(tried))
    shown = _values(app) | {"fields": fields, "as_oneself": as_oneself} | _shown(tried)
    return responses.page("app/try.html", shown)


@act("/apps/<app>/try/save", role=Role.DEVELOPER)
def save_request(app: str) -> Done:
    kept.save(services(), principal(), app, number_of("request"), field("name"))
    return Done(url_for("console.show_try", app=app), (text("acts.request_saved", name=field("name").strip()),))


@act("/apps/<app>/try/forget", role=Role.DEVELOPER)
def forget_request(app: str) -> Done:
    kept.forget(services(), principal(), app, number_of("request"))
    return Done(url_for("console.show_try", app=app), (text("acts.request_forgotten"),))


def _sent(app: str, fields: dict[str, str], *, as_oneself: bool) -> Tried:
    read = tried_request.read(fields["method"], fields["path"], fields["headers"], fields["body"])
    count = number_of("count") if fields["count"] else 1
    session = session_value(services(), request) if as_oneself else ""
    return sending.try_request(services(), principal(), app, Wanted(fields["host"], read, count, session, as_oneself))


def _values(app: str) -> Values:
    values = of_app(app, "try")
    hosts = sending.hosts_of(services(), principal(), app)
    return values | {
        "hosts": hosts,
        "methods": tried_request.METHODS,
        "most": sending.BURST_MOST,
        "can_be_oneself": sending.can_be_oneself(services(), principal()),
        "kept": kept.list_kept(services(), principal(), app),
        "fields": {**_EMPTY, "host": hosts[0].host if hosts else ""},
        "as_oneself": False,
        "problem": None,
        "tried": None,
    }


def _shown(tried: Tried) -> dict[str, Any]:
    answer = tried.answer
    body = shown_body(answer.body, answer.headers, is_cut=answer.is_cut) if answer else ShownBody("", True, False)
    return {"tried": tried, "body": body, "headers": answers.shown_headers(answer) if answer else ()}
