"""Asks for pages over kept connections, as the edge does, and what the answers cost the process."""

from __future__ import annotations

import gzip
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.edge_costs import family
from tests.bench.sign_on.latency import over_unix

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HOST = "slipway.localhost"


@dataclass(frozen=True, slots=True)
class Answer:
    first_byte_ms: float
    status: int
    head: str
    body: bytes

    @property
    def text(self) -> str:
        return (gzip.decompress(self.body) if "content-encoding: gzip" in self.head.lower() else self.body).decode()


@dataclass
class Client:
    """One kept connection, which asks for one thing after the other."""

    path: Path
    headers: Mapping[str, str] = field(default_factory=dict)
    _connection: socket.socket | None = None

    def get(self, address: str, **headers: str) -> Answer:
        if self._connection is None:
            self._connection = over_unix(self.path)()
        given = {"Host": HOST, "Accept-Encoding": "gzip", **self.headers, **headers}
        lines = [f"GET {address} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
        return _answer(self._connection, "\r\n".join(lines).encode())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _answer(connection: socket.socket, request: bytes) -> Answer:
    began = time.perf_counter()
    connection.sendall(request)
    received = connection.recv(1 << 16)
    first_byte_ms = (time.perf_counter() - began) * 1000
    while _HEAD_END not in received:
        received += _more(connection)
    head, _, body = received.partition(_HEAD_END)
    length = _LENGTH.search(head)
    assert length, head
    while len(body) < int(length[1]):
        body += _more(connection)
    return Answer(first_byte_ms, int(head.split(b" ", 2)[1]), head.decode("latin-1"), body)


def _more(connection: socket.socket) -> bytes:
    more = connection.recv(1 << 16)
    assert more, "the connection ended in an answer"
    return more


def cpu_ms(*pids: int) -> float:
    """What these processes and those that descend from them have run so far. The clock of a process (as
    `clock_getcpuclockid` makes it) is exact, where /proc counts in hundredths of a second."""
    return 1000 * sum(_cpu_s(each) for pid in pids for each in family(pid))


def _cpu_s(pid: int) -> float:
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:  # it has ended
        return 0.0
