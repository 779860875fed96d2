"""Which app answers a request: the socket that its connection came in on decides, and nothing that a client sends."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from router.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class BySocket:
    """The WSGI callable that gunicorn loads. The internal app answers on its own socket alone, and the API on all
    others."""

    def __init__(
        self, services: Services, *, api: WSGIApplication, internal: WSGIApplication, internal_socket: Path
    ) -> None:
        self.services = services
        self._api = api
        self._internal = internal
        self._internal_socket = os.fspath(internal_socket)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_internal = _listening_on(environ) == self._internal_socket
        return (self._internal if is_internal else self._api)(environ, start_response)


def _listening_on(environ: WSGIEnvironment) -> str:
    """The path of the unix socket that took the connection; empty where it was no unix socket."""
    connection = environ.get("gunicorn.socket")
    name = "" if connection is None else connection.getsockname()
    return os.fsdecode(name) if isinstance(name, str | bytes) else ""
