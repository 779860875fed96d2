"""What is known of a request beside its content: its id, and the address of the client."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Request

from slipway import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_KEY = "slipway.request_id"


class RequestIds:
    """Gives every request an id: the edge's when it is well formed, else a new one. It stands on each log line and in
    the audit log."""

    def __init__(self, app: WSGIApplication, *, in_response: bool) -> None:
        self._app = app
        self._in_response = in_response
        """Does the client get the id, as the header X-Request-Id?"""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        identity = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        environ[_KEY] = identity

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("X-Request-Id", identity)], *rest)

        with logs.bind(request_id=identity):
            return self._app(environ, start if self._in_response else start_response)


def request_id(request: Request) -> str:
    """The request's id; empty for an app that is called without `RequestIds`."""
    return str(request.environ.get(_KEY, ""))


def client_address(request: Request) -> str:
    """The client's address as the edge reports it; empty when it reports none, or something that is no address."""
    reported = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(reported))
    except ValueError:
        return ""
