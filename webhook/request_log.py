"""One log line for each request, with what its view found out."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Flask, Response, g, request

log = logging.getLogger(__name__)

_PROBES = frozenset({"/healthz", "/readyz"})
_PATH_LENGTH = 200


def install(app: Flask) -> None:
    """Log all of the app's requests."""
    app.before_request(_begin)
    app.after_request(_log)


def add_facts(**facts: Any) -> None:
    """Put facts on the request's line."""
    g.facts |= facts


def _begin() -> None:
    g.began, g.facts = time.perf_counter(), {}


def _log(response: Response) -> Response:
    log.log(
        logging.DEBUG if request.path in _PROBES else logging.INFO,
        "answered",
        extra={
            "method": request.method,
            "path": request.path[:_PATH_LENGTH],
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.began) * 1000, 2),
            **g.facts,
        },
    )
    return response
