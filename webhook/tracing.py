"""One log line for each request, and the request's id on every line that is logged on its way."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, g, request

from slipway.logs import bind

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_KEY = "slipway.request_id"
_PROBES = frozenset({"/healthz", "/readyz"})


def install(app: Flask) -> None:
    """Trace all of the app's requests."""
    inner = app.wsgi_app

    def traced(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ[_KEY] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        with bind(request_id=environ[_KEY]):
            return inner(environ, start_response)

    app.wsgi_app = traced  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_answered)


def request_id() -> str:
    """The edge's id of the request, or one made here when it gave none that is well-formed."""
    return str(request.environ[_KEY])


def note(**facts: Any) -> None:
    """Put facts on the request's line."""
    g.facts |= facts


def _begin() -> None:
    g.began, g.facts = time.perf_counter(), {}


def _answered(response: Response) -> Response:
    log.log(
        logging.DEBUG if request.path in _PROBES else logging.INFO,
        "answered",
        extra={
            "method": request.method,
            "path": request.path[:200],
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.began) * 1000, 2),
            **g.facts,
        },
    )
    return response
