"""Every way in which a page or an act can fail, as the API's problem documents shown to people."""

from __future__ import annotations

from flask import Response, request
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException

from router import welcome
from router.access import services
from router.console import responses
from router.console.routes import blueprint
from router.identity.cookies import SESSION
from router.problems import PROBLEMS
from slipway.errors import DependencyUnavailable, NotAuthenticated, SlipwayError
from slipway.web.problems import log_defect, log_failure


@blueprint.errorhandler(SlipwayError)
def show_problem(error: SlipwayError) -> Response:
    """Who is not signed in is led to where that is done. Who carries nothing sees first what this is."""
    if isinstance(error, NotAuthenticated):
        return _welcome() if _is_first_visit() else responses.to_sign_in()
    if error.status >= 500:
        log_failure(error)
    return responses.problem(error)


@blueprint.errorhandler(NoConnectionLeft)
def show_full_pool(_error: NoConnectionLeft) -> Response:
    return show_problem(DependencyUnavailable("The database is busy; nothing was changed.", remedy="try again"))


@blueprint.errorhandler(Exception)
def show_defect(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        raise error
    log_defect(error)
    return responses.problem(PROBLEMS.defect)


def _is_first_visit() -> bool:
    carries = request.authorization is not None or SESSION in request.headers.get("Cookie", "")
    return request.endpoint == "console.show_apps" and not carries and not responses.is_htmx()


def _welcome() -> Response:
    return welcome.page(services().settings.public_url, sign_on=services().sign_on is not None)
