"""What comes in: request ids, and bodies that are one JSON object of storable text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Request
from werkzeug.exceptions import BadRequest

from slipway import logs
from slipway.errors import InvalidInput, UnsupportedContent

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BODY_MAX_BYTES = 1 << 20
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class ApiRequest(Request):
    """A body may be left out where every field may be."""

    max_content_length = BODY_MAX_BYTES

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body's value; an empty one is an empty object.

        Raises:
            UnsupportedContent: it says that it is something other than JSON.
            InvalidInput: a text in it can't be stored.
            BadRequest: it is not JSON.
        """
        if not self.get_data(cache=True):
            return {}
        if self.mimetype and not self.is_json:
            raise UnsupportedContent(f"{self.mimetype} is not understood here", remedy="send application/json")
        try:
            value = super().get_json(force=force, silent=silent, cache=cache)
            _refuse_unstorable(value)
        except RecursionError:
            raise BadRequest("The body is nested too deeply.") from None
        return value


class RequestIds:
    """Gives every request an id (the caller's, when well formed), on each log line, in the answer and for the audit."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        told = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = told if _REQUEST_ID.fullmatch(told) else uuid4().hex
        environ["slipway.request_id"] = request_id

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("X-Request-Id", request_id)], *rest)

        with logs.bind(request_id=request_id):
            return self._app(environ, start)


def _refuse_unstorable(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unstorable(key)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)
    elif isinstance(value, str) and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise InvalidInput("a text holds a character that can't be stored", remedy="leave out NUL and lone surrogates")
