"""WebSockets for tests of the edge: a server on a maintained library, whose behaviour a path chooses, and one that
shakes hands and then only keeps or sends raw bytes."""

from __future__ import annotations

import base64
import hashlib
import http
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from edge_rig import DEADLINE_S
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket_connect
from websockets.sync.server import ServerConnection, serve

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MOST_BYTES = 32 << 20
SUBPROTOCOLS = ["chat.v2", "chat.v1"]


@dataclass
class EchoServer:
    """`/echo` echoes; `/fragments` sends one message in parts, with a ping between; `/close/<code>/<reason>` closes;
    `/vanish` ends the connection without a word; `/refuse/<status>` refuses the handshake."""

    port: int = 0
    ended: list[tuple[str, int | None, str | None]] = field(default_factory=list)
    """(path, code, reason) as the server saw each connection end."""

    def handle(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        with suppress(ConnectionClosed):
            self._act(connection, path)
        self.ended.append((path, connection.close_code, connection.close_reason))

    def _act(self, connection: ServerConnection, path: str) -> None:
        match path.split("/")[1:]:
            case ["close", code, reason]:
                connection.close(int(code), unquote(reason))
            case ["vanish"]:
                connection.recv()
                connection.socket.shutdown(socket.SHUT_RDWR)
            case ["fragments"]:
                connection.send(self._parts(connection))
                connection.recv()
            case _:
                for message in connection:
                    connection.send(message)

    @staticmethod
    def _parts(connection: ServerConnection) -> Iterator[str]:
        for part in ("one, ", "", "two, ", "three"):
            yield part
            connection.ping(b"after " + part.encode())

    @staticmethod
    def refuse(_: ServerConnection, request: Request) -> Response | None:
        match = re.fullmatch(r"/refuse/(\d+)", request.path)
        if not match:
            return None
        status = http.HTTPStatus(int(match[1]))
        body = f"no: {status.phrase}".encode()
        return Response(status, status.phrase, Headers({"Content-Length": str(len(body)), "X-Why": "mine"}), body)


@contextmanager
def echo_server(**options: Any) -> Iterator[EchoServer]:
    made = EchoServer()
    with serve(
        made.handle,
        "127.0.0.1",
        0,
        process_request=made.refuse,
        max_size=MOST_BYTES,
        subprotocols=SUBPROTOCOLS,
        select_subprotocol=lambda _, offered: next((name for name in SUBPROTOCOLS if name in offered), None),
        ping_interval=None,
        **options,
    ) as server:
        made.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join(DEADLINE_S)


@dataclass(frozen=True)
class Way:
    """To the server: its own port, or one of the edge's."""

    port: int
    certificate: Path | None = None

    def connect(self, path: str = "/echo", **options: Any) -> ClientConnection:
        """Without TLS: in Python 3.11 the library's two threads must not use one TLS connection."""
        return websocket_connect(
            f"ws://shop.localhost:{self.port}{path}",
            sock=self.socket(),
            max_size=MOST_BYTES,
            ping_interval=None,
            proxy=None,
            **options,
        )

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def raw(self) -> socket.socket:
        """Hands are shaken: from here on bytes are frames."""
        connection = self.socket()
        if self.certificate:
            context = ssl.create_default_context(cafile=str(self.certificate))
            connection = context.wrap_socket(connection, server_hostname="shop.localhost")
        connection.sendall(
            b"GET /raw HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 101")
        return connection


class RawServer:
    """One connection at a time."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_S)
        self.port = int(self._listener.getsockname()[1])

    def accept(self) -> socket.socket:
        """The next one, once hands are shaken."""
        connection, _ = self._listener.accept()
        connection.settimeout(DEADLINE_S)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
        assert key, head
        accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())  # noqa: S324
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        return connection

    def close(self) -> None:
        self._listener.close()
