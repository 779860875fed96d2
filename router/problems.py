"""The API's problem documents: what they have beside those of every app of the platform."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from slipway.core.naming.validation_messages import MOST, named, predicate
from slipway.core.text.hints import for_app
from slipway.errors import InvalidInput, NotAuthenticated, SlipwayError
from slipway.web.problems import Document, Problems
from slipway.web.requests import request_id

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
    PROBLEMS.install(app)
    app.register_error_handler(HTTPError, _invalid)


def _describe_http_error(error: HTTPException) -> Document:
    status = error.code or 500
    code = _CODES.get(status, (error.name or "error").lower().replace(" ", "-"))
    document = {
        "type": f"urn:slipway:error:{code}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": _DETAILS.get(status, error.description or ""),
        "code": code,
    }
    return document | ({"remedy": _REMEDIES[status]} if status in _REMEDIES else {})


def _headers_of(error: SlipwayError) -> Mapping[str, str]:
    if not isinstance(error, NotAuthenticated):
        return {}
    reason = ', error="invalid_token"' if request.authorization else ""
    return {"WWW-Authenticate": f'Bearer realm="slipway"{reason}'}


def _complete(document: Document) -> Document:
    """With the request's id, and with its app in the remedy's commands."""
    app = str((request.view_args or {}).get("app", ""))
    if "remedy" in document and _APP.fullmatch(app):
        document["remedy"] = for_app(document["remedy"], app)
    return document | {"request_id": request_id(request)}


PROBLEMS = Problems(
    defect=SlipwayError(
        "This is a defect of Slipway, not of your request; nothing more is known to be changed.",
        remedy="give the host's owner the request_id: the router's log has the rest",
    ),
    retry_after_s=2,
    describe_http_error=_describe_http_error,
    headers_of=_headers_of,
    complete=_complete,
)


def _invalid(error: HTTPError) -> Response:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return PROBLEMS.respond(SlipwayError(str(error.message)))
    return PROBLEMS.respond(invalid_input(cause))


def invalid_input(error: ValidationError) -> InvalidInput:
    """What is wrong with a body, a query or a form, field by field."""
    found = error.errors(include_url=False, include_input=False)
    fields = [{"field": _field(each), "message": _message(each)} for each in found]
    detail = "; ".join(named(_field(each) or "the request", each, _message(each)) for each in found[:MOST])
    remedy = "see /api/openapi.json for all fields"
    return InvalidInput(detail, remedy=remedy, errors=fields[:20])


def _field(fault: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in fault["loc"])


def _message(fault: Mapping[str, Any]) -> str:
    return "is no field here" if fault["type"] == "extra_forbidden" else predicate(fault)
