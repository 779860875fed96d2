"""Every error as an RFC 9457 problem document. The only place where an exception becomes an answer."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Response, json, request
from pydantic import ValidationError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException

from slipway.core.naming.validation_messages import MOST, named, predicate
from slipway.core.text.hints import for_app
from slipway.errors import DependencyUnavailable, InvalidInput, NotAuthenticated, SlipwayError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 2
_APP = re.compile(r"[a-z0-9][a-z0-9-]*")
_CODES = {404: "not-found", 405: "method-not-allowed", 413: "payload-too-large", 415: "unsupported-content"}
_DETAILS = {
    404: "There is nothing at this address.",
    413: "The request's body is too large.",
}
_REMEDIES = {
    400: "send one JSON object",
    404: "see /api/openapi.json for all addresses",
    405: "see /api/openapi.json for what this address answers to",
    413: "send at most 1 MB",
}


def register(app: APIFlask) -> None:
    """Take over every way in which a request can fail."""
    app.register_error_handler(SlipwayError, _slipway_error)
    app.register_error_handler(HTTPError, _invalid)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(NoConnectionLeft, _no_connection_left)
    app.register_error_handler(Exception, _unexpected)


def _slipway_error(error: SlipwayError) -> Response:
    if error.status >= 500:
        log.warning(error.message, extra={"code": error.code, "path": request.path})
    headers = {}
    if error.status in (429, 503):
        headers["Retry-After"] = str(error.details.get("retry_after_s", _RETRY_AFTER_S))
    if isinstance(error, NotAuthenticated):
        known = 'error="invalid_token"' if request.authorization else ""
        headers["WWW-Authenticate"] = 'Bearer realm="slipway"' + (f", {known}" if known else "")
    return _answer(error.problem(), error.status, headers)


def _invalid(error: HTTPError) -> Response:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return _slipway_error(SlipwayError(str(error.message)))
    found = cause.errors(include_url=False, include_input=False)
    fields = [{"field": _field(each), "message": _words(each)} for each in found]
    detail = "; ".join(named(_field(each) or "the request", each, _words(each)) for each in found[:MOST])
    remedy = "see /api/openapi.json for all fields"
    return _slipway_error(InvalidInput(detail, remedy=remedy, errors=fields[:20]))


def _field(fault: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in fault["loc"])


def _words(fault: Mapping[str, Any]) -> str:
    return "is no field here" if fault["type"] == "extra_forbidden" else predicate(fault)


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]
    code = _CODES.get(status, (error.name or "error").lower().replace(" ", "-"))
    problem = {
        "type": f"urn:slipway:error:{code}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": _DETAILS.get(status, error.description or ""),
        "code": code,
    }
    if status in _REMEDIES:
        problem["remedy"] = _REMEDIES[status]
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
    return _answer(problem, status, headers)


def _no_connection_left(_error: NoConnectionLeft) -> Response:
    return _slipway_error(DependencyUnavailable("The database is busy; nothing was changed.", remedy="try again"))


def _unexpected(error: Exception) -> Response:
    log.error("a request failed", exc_info=error, extra={"method": request.method, "path": request.path})
    known = SlipwayError(
        "This is a defect of Slipway, not of your request; nothing more is known to be changed.",
        remedy="tell the host's owner the request_id: the router's log has the rest",
    )
    return _answer(known.problem(), 500, {})


def _answer(problem: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    app = str((request.view_args or {}).get("app", ""))
    if "remedy" in problem and _APP.fullmatch(app):
        problem["remedy"] = for_app(problem["remedy"], app)
    problem["request_id"] = request.environ.get("slipway.request_id", "")
    return Response(json.dumps(problem), status, headers, content_type=MEDIA_TYPE)
