"""How long an answer takes over a kept connection, asked by one client or by several at once."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.edge_load import LOAD_CORE

Connect = Callable[[], socket.socket]
TIMEOUT_S = 60
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


def over_unix(path: Path) -> Connect:
    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(TIMEOUT_S)
        made.connect(str(path))
        return made

    return connect


def over_tcp(port: int) -> Connect:
    def connect() -> socket.socket:
        made = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    return connect


def taken_ms(connect: Connect, requests: Sequence[bytes], clients: int = 1) -> list[float]:
    """Of every request, which are shared out among the clients; each client waits for an answer before it asks again.

    Raises:
        AssertionError: an answer is no 200, or did not come.
    """
    taken: list[float] = []
    failed: list[BaseException] = []

    def ask(own: Sequence[bytes]) -> None:
        os.sched_setaffinity(0, {LOAD_CORE})  # of this thread alone
        try:
            with connect() as connection:
                taken.extend([_asked_ms(connection, request) for request in own])
        except (OSError, AssertionError) as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(requests[number::clients],)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, f"{len(failed)} of {clients} clients failed, the first by: {failed[0]!r}"
    return taken


def _asked_ms(connection: socket.socket, request: bytes) -> float:
    began = time.perf_counter()
    connection.sendall(request)
    answer = connection.recv(1 << 16)
    while not _is_whole(answer):
        more = connection.recv(1 << 16)
        assert more, f"the connection ended in an answer: {answer!r}"
        answer += more
    taken = time.perf_counter() - began
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:400].decode(errors="replace")
    return taken * 1000


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(_HEAD_END)
    length = _LENGTH.search(head + b"\r\n")
    return bool(end) and length is not None and len(body) >= int(length[1])
