"""Every error as an RFC 9457 problem document. The only place where an exception becomes an HTTP response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, json, request
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException

from slipway.errors import DependencyUnavailable, SlipwayError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_KEPT_HEADERS = ("allow", "retry-after")

Document = dict[str, Any]


def about_blank(error: HTTPException) -> Document:
    """The problem of an HTTP error that has no code of ours, as the RFC describes it."""
    return {"type": "about:blank", "title": error.name, "status": error.code, "detail": error.description}


def _no_headers(_error: SlipwayError) -> Mapping[str, str]:
    return {}


def _unchanged(document: Document) -> Document:
    return document


@dataclass(frozen=True, slots=True)
class Problems:
    """An app's problem documents. The fields are what differs between the apps."""

    defect: SlipwayError
    """What a client gets when the app has a defect. The defect itself goes to the log only."""
    retry_after_s: int
    """When a client tries again, where the error does not say."""
    describe_http_error: Callable[[HTTPException], Document] = about_blank
    headers_of: Callable[[SlipwayError], Mapping[str, str]] = _no_headers
    complete: Callable[[Document], Document] = _unchanged
    """Adds what the app knows of the request to each document."""

    def install(self, app: Flask) -> None:
        """Take over every way in which a request can fail."""
        app.register_error_handler(SlipwayError, self.respond)
        app.register_error_handler(HTTPException, self._on_http_error)
        app.register_error_handler(NoConnectionLeft, self._on_full_pool)
        app.register_error_handler(Exception, self._on_defect)

    def respond(self, error: SlipwayError) -> Response:
        """The response to an error of ours. What the platform is at fault for is logged."""
        if error.status >= 500:
            log_failure(error)
        headers = dict(self.headers_of(error))
        if error.status in (429, 503):
            headers["Retry-After"] = str(error.details.get("retry_after_s", self.retry_after_s))
        return self._response(error.problem(), error.status, headers)

    def _on_http_error(self, error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:  # a redirect
            return error.get_response()  # type: ignore[return-value]
        headers = {name: value for name, value in error.get_headers() if name.lower() in _KEPT_HEADERS}
        return self._response(self.describe_http_error(error), status, headers)

    def _on_full_pool(self, _error: NoConnectionLeft) -> Response:
        return self.respond(DependencyUnavailable("The database is busy; nothing was changed.", remedy="try again"))

    def _on_defect(self, error: Exception) -> Response:
        log_defect(error)
        return self._response(self.defect.problem(), self.defect.status, {})

    def _response(self, document: Document, status: int, headers: Mapping[str, str]) -> Response:
        return Response(json.dumps(self.complete(document)), status, dict(headers), content_type=MEDIA_TYPE)


def log_failure(error: SlipwayError) -> None:
    """What the platform is at fault for, of the request that is served."""
    level = logging.ERROR if isinstance(error, DependencyUnavailable) else logging.WARNING
    cause = {"cause": str(error.__cause__)} if error.__cause__ else {}
    facts = {"code": error.code, "why": error.message, "path": request.path, **cause}
    log.log(level, "a request was not served", extra=facts)


def log_defect(error: Exception) -> None:
    """What nobody foresaw, of the request that is served."""
    log.error("a request failed", exc_info=error, extra={"method": request.method, "path": request.path})
