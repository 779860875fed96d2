"""Bytes on the wire: an app that keeps exactly what reached it and answers with whatever bytes a test gives it, and a
client that sends whatever bytes a test gives it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from edge_rig import DEADLINE_S, Edge

HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[^\r\n\0]*")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
AFTER = b"GET /after HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Arrived:
    """A request, byte by byte."""

    line: bytes
    fields: tuple[bytes, ...]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(b" ", 1)[1].rsplit(b" ", 1)[0].decode("latin-1")

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names; one that came more than once has its values on lines of their own."""
        found: dict[str, str] = {}
        for each in self.fields:
            name, _, value = each.decode("latin-1").partition(":")
            key, text = name.lower(), value.strip()
            found[key] = f"{found[key]}\n{text}" if key in found else text
        return found

    def assert_unambiguous(self) -> None:
        """No two parsers could read it differently."""
        assert re.fullmatch(rb"[A-Z-]+ [!-\xff]+ HTTP/1\.1", self.line), self.line
        for each in self.fields:
            assert HEADER.fullmatch(each), each
        headers = self.headers
        assert "transfer-encoding" not in headers
        assert re.fullmatch(r"\d+", headers.get("content-length", "0"))
        assert "\n" not in headers["host"]


@dataclass
class WireApp:
    """Keeps connections open, as apps do."""

    answer: Callable[[Arrived, socket.socket], None] | bytes = OK
    arrived: list[Arrived] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.arrived]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), closing(connection), connection.makefile("rb") as stream:
            while request := self._read(stream):
                self.arrived.append(request)
                if callable(self.answer):
                    self.answer(request, connection)
                else:
                    connection.sendall(self.answer)

    def _read(self, stream: BinaryIO) -> Arrived | None:
        line = stream.readline()
        if not line:
            return None
        fields = []
        while (field_line := stream.readline()) not in (b"\r\n", b""):
            assert field_line.endswith(b"\r\n")
            fields.append(field_line[:-2])
        request = Arrived(line.removesuffix(b"\r\n"), tuple(fields), b"")
        length = int(request.headers.get("content-length", "0"))
        return Arrived(request.line, request.fields, stream.read(length)) if length else request


@contextmanager
def wire_app(answer: Callable[[Arrived, socket.socket], None] | bytes = OK) -> Iterator[WireApp]:
    app = WireApp(answer)
    try:
        yield app
    finally:
        app.close()


def exchange(edge: Edge, data: bytes) -> bytes:
    """Send, and return everything that comes until the edge closes the connection."""
    with closing(edge.raw(b"")) as connection:
        connection.settimeout(DEADLINE_S)
        # The edge may close before it read everything.
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(data)
        received = bytearray()
        with suppress(ConnectionResetError):
            while more := connection.recv(1 << 16):
                received += more
    return bytes(received)


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
