"""Two answers to tried requests, beside each other."""

from __future__ import annotations

from flask import Response, request

from router.access import principal, services
from router.console import responses
from router.console.asked import row_number
from router.console.routes import Values, page
from router.console.views.app.overview import of_app
from router.problems import PROBLEMS
from router.usecases.trying import answers, kept
from slipway.core.access.roles import Role
from slipway.core.routing.compared_answers import compare
from slipway.errors import InvalidInput, SlipwayError

_TEMPLATE = "app/try_compare.html"


@page("/apps/<app>/try/compare", _TEMPLATE, role=Role.DEVELOPER)
def compare_answers(app: str) -> Values | Response:
    """The address names two of the caller's own; while it does not, they are chosen."""
    values = _values(app)
    first, second = (row_number(request.args.get(name, "")) for name in ("first", "second"))
    if first is None or second is None:
        return values
    values |= {"chosen": (first, second)}
    try:
        return values | _compared(app, first, second)
    except SlipwayError as error:
        return responses.page(_TEMPLATE, values | {"problem": PROBLEMS.complete(error.problem())}, error.status)


def _compared(app: str, first: int, second: int) -> Values:
    if first == second:
        raise InvalidInput("this is the same answer twice", remedy="choose two different ones")
    both = kept.kept_answers(services(), principal(), app, (first, second))
    return {"both": both, "comparison": compare(*both)}


def _values(app: str) -> Values:
    answered = kept.list_kept(services(), principal(), app).answered
    newest = [each.id for each in answered[:2]]
    return of_app(app, "try") | {
        "answered": answered,
        "chosen": (newest[1], newest[0]) if len(newest) > 1 else (None, None),
        "bounds": {"last": kept.LAST_MOST, "text": answers.TEXT_MOST, "headers": answers.HEADERS_MOST},
        "problem": None,
        "comparison": None,
    }
