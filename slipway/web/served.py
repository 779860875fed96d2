"""gunicorn's worker, whose own answers are problem documents as the apps' are. Imports nothing heavy: the arbiter has
it, too (decision 15)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

REQUEST_LINE_BYTES = 0
"""Without a bound: the edge has one, of 16 KB."""
HEADER_BYTES = 16 << 10
"""Of each; the edge's bound too."""
HEADERS = 1200
"""More than the edge takes with those that it adds."""
MEDIA_TYPE = "application/problem+json"
_STATUSES = {
    errors.LimitRequestLine: (HTTPStatus.REQUEST_URI_TOO_LONG, "uri-too-long", "send a shorter address"),
    errors.LimitRequestHeaders: (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "send less of them"),
    errors.UnsupportedTransferCoding: (HTTPStatus.NOT_IMPLEMENTED, "bad-request", "send the body as it is, or chunked"),
}
_BROKEN = (HTTPStatus.BAD_REQUEST, "bad-request", "check the request line and the headers")
_DEFECT = (HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "see the log of the service")


class Worker(ThreadWorker):  # type: ignore[misc]
    def handle_error(self, _request: Any, client: Any, _address: Any, error: Exception) -> None:
        """Answer a request that no app has seen, or that gunicorn itself failed at. The connection ends with it."""
        status, code, remedy = _judged(error)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.exception("a request failed")
        else:
            self.log.warning("a request was refused: %s", error)
        try:
            write_nonblock(client, _answer(status, code, remedy))
        except OSError as why:
            self.log.debug("the client did not take the answer: %s", why)


def _judged(error: Exception) -> tuple[HTTPStatus, str, str]:
    unsent = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
    if isinstance(error, unsent) or not isinstance(error, errors.ParseException):
        return _DEFECT
    return _STATUSES.get(type(error), _BROKEN)


def _answer(status: HTTPStatus, code: str, remedy: str) -> bytes:
    problem = {
        "type": f"urn:slipway:error:{code}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": status.description or status.phrase,
        "code": code,
        "remedy": remedy,
    }
    body = json.dumps(problem).encode()
    head = f"HTTP/1.1 {status} {status.phrase}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\n"
    return f"{head}Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
