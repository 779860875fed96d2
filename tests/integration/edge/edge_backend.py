"""A small app for the edge to proxy to: a threaded server whose behaviour a request's path chooses, and which keeps
what it was asked."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Record:
    requests: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seen: Seen) -> None:
        with self.lock:
            self.requests.append(seen)

    def counts(self) -> Counter[str]:
        with self.lock:
            return Counter(seen.path for seen in self.requests)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle_any(self) -> None:
        body = self._read_body()
        self.server.record.add(Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        action = self.server.behaviour or self.path.split("?")[0].strip("/").split("/")[0]
        getattr(self, f"do_{action}_path", self._answer)(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_PURGE = handle_any  # noqa: N815

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        document = json.dumps({"backend": self.server.name, "length": len(body)}).encode()
        with self.server.answering:
            time.sleep(self.server.delay_s)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(document)

    def do_status_path(self, body: bytes) -> None:
        self._answer(body, int(self.path.rsplit("/", 1)[1]))

    def do_fail_path(self, body: bytes) -> None:
        self._answer(body, 500)

    def do_cookies_path(self, _: bytes) -> None:
        self.send_response(200)
        self.send_header("Set-Cookie", "__Host-slipway_session=forged; Path=/; Secure")
        self.send_header("Set-Cookie", "mine=1")
        self.send_header("X-Accel-Redirect", "/elsewhere")
        self.send_header("X-Request-Id", "the app's own")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_hsts_path(self, body: bytes) -> None:
        self._answer(body, headers={"Strict-Transport-Security": "max-age=1"})

    def do_text_path(self, _: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(b"word " * 1000)

    def do_flood_path(self, _: bytes) -> None:
        """More than all buffers on the way hold."""
        self.send_response(200)
        self.send_header("Content-Length", str(64 << 20))
        self.end_headers()
        for _ in range(1024):
            self.wfile.write(bytes(1 << 16))

    def do_slow_path(self, body: bytes) -> None:
        self.server.release.wait(20)
        self._answer(body)

    def do_die_path(self, _: bytes) -> None:
        """Take the request, then go without an answer."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR)

    def do_stream_path(self, _: bytes) -> None:
        """Server-sent events until released."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        number = 0
        while not self.server.release.is_set():
            self.wfile.write(f"data: {self.server.name} {number}\n\n".encode())
            number += 1
            self.server.release.wait(0.05)
        self.wfile.write(b"data: end\n\n")

    def do_socket_path(self, _: bytes) -> None:
        """A WebSocket's handshake, then an echo of raw bytes."""
        accept = hashlib.sha1(  # noqa: S324
            (self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
        )
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept.digest()).decode())
        self.end_headers()
        self.close_connection = True
        while data := self.connection.recv(4096):
            self.connection.sendall(data)

    def do_once_path(self, body: bytes) -> None:
        """Answer, say nothing of closing, and close soon: what a kept connection meets when an app restarts."""
        self._answer(body)
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, name: str, port: int = 0) -> None:
        self.name = name
        self.record = Record()
        self.release = threading.Event()
        self.behaviour = ""  # instead of what the path chooses
        self.delay_s = 0.0  # how long each answer takes
        self.answering: AbstractContextManager[Any] = nullcontext()
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went is no error of the app."""

    def close_kept(self) -> None:
        """Close every connection: the edge's kept ones among them."""
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.open.discard(connection)

    def die(self) -> None:
        """As a killed replica: nothing listens, and what is under way gets no answer."""
        self.shutdown()
        self.server_close()
        self.close_kept()

    def stop(self) -> None:
        """As a stopped replica: nothing listens, nothing is open."""
        self.shutdown()
        self.server_close()
        self.release.set()
        self.close_kept()
        self._thread.join(5)


class UnixServer(Server):
    """A platform service: it listens on a unix socket."""

    address_family = socket.AF_UNIX
    allow_reuse_address = False

    def __init__(self, name: str, path: Path) -> None:
        self.path = path
        super().__init__(name, 0)

    def server_bind(self) -> None:
        self.socket.bind(str(self.path))
        self.path.chmod(0o777)
        self.server_address = ("unix", 0)

    def stop(self) -> None:
        super().stop()
        self.path.unlink()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, _ = self.socket.accept()
        return connection, ("unix", 0)
