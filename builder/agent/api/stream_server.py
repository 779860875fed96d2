"""Replicas' output as it comes, and terminals in them, on a unix socket of its own. Its readers are the routers, one
reader a replica.

A stream keeps a thread for as long as somebody reads it. These threads are made on demand and are not those that serve
`internal_api`, so streams never make a short call wait.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from builder.agent.api.internal_api import tail_of
from builder.agent.terminals import opening as terminals
from builder.agent.terminals.relaying import Relay
from slipway.core.terminal.channels import SUBPROTOCOL
from slipway.core.terminal.websocket import accept_of, is_key
from slipway.errors import DependencyUnavailable, InvalidInput, NotFound, SlipwayError
from slipway.ports.runtime import TerminalSession, TerminalSpec

log = logging.getLogger(__name__)

STREAMS_MAX = 512
WRITE_TIMEOUT_S = 30.0
"""A reader that reads nothing for this long is cut off; it comes back for what it missed."""
_TERMINAL = re.compile(r"/replicas/(?P<id>[^/]+)/terminal")
_OUTPUT = re.compile(r"/replicas/(?P<id>[^/]+)/output")


Follow = Callable[[str, int | None, str], Iterator[bytes]]
"""Replica's id, lines of the tail, time after which → lines (`ReplicaOutput.follow`)."""

OpenTerminal = Callable[[str, TerminalSpec], TerminalSession]
"""Replica's id, what to run → the program (`Terminals.open`)."""


class StreamServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One thread a stream, STREAMS_MAX of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path: Path, follow: Follow, open_terminal: OpenTerminal, idle_s: float) -> None:
        path.unlink(missing_ok=True)
        self.follow = follow
        self.open_terminal = open_terminal
        self.idle_s = idle_s
        self.places = threading.BoundedSemaphore(STREAMS_MAX)
        super().__init__(str(path), _Stream)
        path.chmod(0o660)

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        log.exception("a stream failed")


class _Stream(BaseHTTPRequestHandler):
    """Lines as text, as the replica printed them; an empty one is a sign of life."""

    server: StreamServer
    timeout = WRITE_TIMEOUT_S
    wbufsize = -1

    def do_GET(self) -> None:
        if not self.server.places.acquire(blocking=False):
            self._refuse(DependencyUnavailable(f"{STREAMS_MAX} streams are open.", remedy="try again"))
            return
        try:
            terminal = _TERMINAL.fullmatch(urlsplit(self.path).path)
            if terminal is None:
                self._stream()
            else:
                self._terminal(terminal["id"])
        except SlipwayError as error:
            self._refuse(error)
        finally:
            self.server.places.release()

    def log_message(self, *_: object) -> None:
        """Requests are not logged."""

    def address_string(self) -> str:
        return "router"

    def _stream(self) -> None:
        """Raises `SlipwayError` before anything was sent."""
        lines = self._requested()
        first = next(lines, None)
        self._begin(HTTPStatus.OK, "text/plain; charset=utf-8")
        try:
            for line in lines if first is None else itertools.chain([first], lines):
                self.wfile.write(line or b"\n")
                if not line:
                    self.wfile.flush()
        except (OSError, SlipwayError) as error:  # the reader asks again, if it is still there
            log.debug("a stream ended", extra={"path": self.path, "why": str(error)})

    def _terminal(self, replica_id: str) -> None:
        """A WebSocket, until the program or the client ends it. Raises `SlipwayError` before anything was sent."""
        key = self.headers.get("Sec-WebSocket-Key", "")
        if not is_key(key):
            raise InvalidInput("a terminal takes a WebSocket")
        spec = terminals.spec_of(parse_qs(urlsplit(self.path).query).get("spec", [""])[0])
        session = self.server.open_terminal(replica_id, spec)
        try:
            self._switch(key)
        except BaseException:
            session.end()
            raise
        Relay(self.connection, session, idle_s=self.server.idle_s).run()

    def _switch(self, key: str) -> None:
        """From HTTP to a WebSocket."""
        self.close_connection = True
        self.send_response_only(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_of(key))
        self.send_header("Sec-WebSocket-Protocol", SUBPROTOCOL)
        self.end_headers()
        self.wfile.flush()
        self.connection.settimeout(None)

    def _requested(self) -> Iterator[bytes]:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        output = _OUTPUT.fullmatch(url.path)
        if output is None:
            raise NotFound("nothing is streamed here")
        return self.server.follow(output["id"], tail_of(query), query.get("after", [""])[0])

    def _refuse(self, error: SlipwayError) -> None:
        self._begin(error.status, "application/problem+json")
        self.wfile.write(json.dumps(error.problem()).encode())

    def _begin(self, status: int, content_type: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()


def serve(socket: Path, follow: Follow, open_terminal: OpenTerminal, *, idle_s: float) -> StreamServer:
    """Serve in a thread of its own."""
    server = StreamServer(socket, follow, open_terminal, idle_s)
    threading.Thread(target=server.serve_forever, name="streams", daemon=True).start()
    return server
