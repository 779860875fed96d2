"""The forge's HTTP side: git's smart protocol, and the part of GitHub's REST API that Slipway and its tests use."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from slipway.demo.forge import api
from slipway.demo.forge.backend import GitRequest, body_pieces, run_backend
from slipway.errors import InvalidInput, NotAuthenticated, SlipwayError

if TYPE_CHECKING:
    from slipway.demo.forge.registry import Repository
    from slipway.demo.forge.repository_host import RepositoryHost

_GIT = re.compile(r"/(?P<full_name>[^/]+/[^/]+?)(?:\.git)?/(?P<service>info/refs|git-upload-pack|git-receive-pack)")
_API_BODY_BYTES = 1024 * 1024
_log = logging.getLogger(__name__)


class ForgeServer(ThreadingHTTPServer):
    """Listens as soon as it is made; `serve_forever` answers."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], forge: RepositoryHost) -> None:
        self.forge = forge
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the base class's signature)
        _log.warning("a request failed", exc_info=True, extra={"client": str(client_address)})


class _Handler(BaseHTTPRequestHandler):
    server: ForgeServer
    protocol_version = "HTTP/1.1"
    server_version = "slipway-forge"
    timeout = 60

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
        _log.debug(format, *args)

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        git = _GIT.fullmatch(path)
        # bodies may be left unread when a request is refused: such a connection can't carry another one
        self.close_connection = self.close_connection or self.command != "GET"
        with suppress(BrokenPipeError, ConnectionResetError):
            try:
                self._git(git["full_name"], git["service"], url.query) if git else self._api(path)
            except NotAuthenticated as error:
                self._send(401, error.message.encode(), "text/plain", [("WWW-Authenticate", 'Basic realm="forge"')])
            except SlipwayError as error:
                self._send(error.status, error.message.encode(), "text/plain")

    def _git(self, full_name: str, service: str, query: str) -> None:
        write = service == "git-receive-pack" or query == "service=git-receive-pack"
        login, token = self._credentials()
        repository = self.server.forge.registry.open_to(full_name, token, write=write)
        request = GitRequest(
            root=self.server.forge.registry.root,
            method=self.command,
            path=f"/{repository.full_name}.git/{service}",
            query=query,
            headers={**self.headers},
            body=body_pieces(self.rfile, {**self.headers}),
            user=login,
            address=self.client_address[0],
        )
        if self.command == "POST" and service == "git-receive-pack":
            self._receive(repository, request, login)
        else:
            run_backend(request, self._stream)
            self._finish_stream()

    def _receive(self, repository: Repository, request: GitRequest, login: str) -> None:
        # One push at a time, so that what changed between the two looks is this push. The client learns the end
        # only after the deliveries were handed over: who has seen `git push` return finds them.
        with repository.pushing:
            before = repository.bare.refs()
            try:
                run_backend(request, self._stream)
            finally:
                self.server.forge.pushed(repository, before, repository.bare.refs(), login)
        self._finish_stream()

    def _api(self, path: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _API_BODY_BYTES:
            raise InvalidInput("the request is too large")
        body = self.rfile.read(length)
        try:
            document = json.loads(body) if body else {}
        except ValueError:
            raise InvalidInput("Problems parsing JSON") from None
        if not isinstance(document, dict):
            raise InvalidInput("Body should be a JSON object")
        _, token = self._credentials()
        status, answer = api.answer(self.server.forge, self.command, path, token, document)
        self._send(status, b"" if answer is None else json.dumps(answer).encode(), "application/json")

    def _credentials(self) -> tuple[str, str]:
        """Login and token: `Basic` with the token as password (or as user name alone), `Bearer` or `token`."""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() in ("bearer", "token"):
            return "", value.strip()
        if scheme.lower() != "basic":
            return "", ""
        try:
            login, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise NotAuthenticated("Invalid credentials.") from None
        return (login, password) if password else ("", login)

    def _send(self, status: int, body: bytes, content_type: str, headers: list[tuple[str, str]] | None = None) -> None:
        self.send_response(status)
        for name, value in [("Content-Type", content_type), ("Content-Length", str(len(body))), *(headers or [])]:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, status: int, headers: list[tuple[str, str]], pieces: Iterator[bytes]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self._chunked = self.request_version == "HTTP/1.1"
        if self._chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.close_connection = self.close_connection or not self._chunked
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def _finish_stream(self) -> None:
        if self._chunked:
            self.wfile.write(b"0\r\n\r\n")
