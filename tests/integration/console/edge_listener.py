"""What listens where the edge would: it answers what it was given, and keeps each request byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
DRIPS_MOST = 200


@dataclass
class Listener:
    port: int
    answer: bytes = HELLO
    hangs: bool = False
    """After its answer it goes on letter by letter while somebody listens, `DRIPS_MOST` at most."""
    dripped: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def heads(self) -> list[list[str]]:
        """Each request's lines up to its body."""
        return [each.partition(b"\r\n\r\n")[0].decode().split("\r\n") for each in self.requests]

    def headers(self, number: int = -1) -> dict[str, str]:
        pairs = [line.partition(": ") for line in self.heads[number][1:]]
        return {name.lower(): value for name, _, value in pairs}


@contextmanager
def listening() -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(server.getsockname()[1])
        threading.Thread(target=_serve, args=[server, listener], daemon=True).start()
        yield listener
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, listener: Listener) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=[client, listener], daemon=True).start()


def _answer(client: socket.socket, listener: Listener) -> None:
    with client:
        listener.requests.append(_request(client))
        try:
            client.sendall(listener.answer)
            if listener.hangs:
                _drip(client, listener)
        except OSError:
            return


def _drip(client: socket.socket, listener: Listener) -> None:
    client.settimeout(0.05)
    while listener.dripped < DRIPS_MOST:
        try:
            if not client.recv(1):
                return
        except TimeoutError:
            client.sendall(b"x")
            listener.dripped += 1


def _request(client: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        piece = client.recv(65536)
        if not piece:
            return found
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    length = next((int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: ")), 0)
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body
