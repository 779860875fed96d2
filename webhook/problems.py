"""Every error as an RFC 9457 problem document."""

from __future__ import annotations

import logging

from flask import Flask, Response, json
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from slipway.errors import PayloadTooLarge, SlipwayError

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
RETRY_AFTER_S = 30


def install(app: Flask) -> None:
    """Answer the app's errors."""
    app.register_error_handler(SlipwayError, _answer)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_defect)


def too_large(limit: int) -> PayloadTooLarge:
    """`limit` in bytes."""
    return PayloadTooLarge(
        f"The body is larger than {limit} bytes.",
        remedy="push fewer commits at once; the host's owner can raise SLIPWAY_DELIVERY_MAX_BYTES",
    )


def _on_http_error(error: HTTPException) -> Response:
    document = {"type": "about:blank", "title": error.name, "status": error.code, "detail": error.description}
    response = Response(json.dumps(document), status=error.code or 500, content_type=PROBLEM)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def _answer(error: SlipwayError) -> Response:
    response = Response(json.dumps(error.problem()), status=error.status, content_type=PROBLEM)
    if error.status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        log.error("a dependency is away", extra={"why": error.message, "cause": str(error.__cause__)})
    return response


def _on_defect(error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return _answer(SlipwayError("The delivery could not be taken: a defect, which is in the log.", remedy="try again"))
