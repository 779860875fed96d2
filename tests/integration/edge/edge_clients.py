"""Clients of the edge that keep a WebSocket of raw bytes, or that ask without pause."""

from __future__ import annotations

import base64
import http.client
import os
import re
import socket
import threading
from collections import Counter
from contextlib import closing

from edge_publisher import HOST
from edge_rig import Answer, read

from tests.fixtures.waiting import eventually


def open_socket(rig, host="shop.localhost", headers=None):
    key = base64.b64encode(os.urandom(16)).decode()
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    connection = rig.edge.raw(
        f"GET /socket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{more}"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")
    return connection


def echo(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return connection.recv(4096)


_RESPONSE = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n(.*?)\r\n\r\n", re.DOTALL)


class Burst:
    """One connection whose requests are sent ahead of the responses, so that they come as fast as the edge takes them.
    `answers` has them in order, without what they say."""

    def __init__(self, edge, headers=None, host=HOST):
        lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]
        self._request = ("GET / HTTP/1.1\r\n" + "\r\n".join(lines)).encode()
        self._edge = edge
        self.answers: list[Answer] = []

    def send(self, requests: int) -> list[int]:
        """Returns their statuses."""
        before = len(self.answers)
        with closing(self._edge.raw(self._request * requests)) as connection:
            data = b""
            while len(self.answers) < before + requests:
                more = connection.recv(1 << 16)
                assert more, f"closed after {len(self.answers) - before} of {requests}: {data[-300:]!r}"
                data = self._take(data + more)
        return [answer.status for answer in self.answers[before:]]

    def _take(self, data: bytes) -> bytes:
        end = 0
        for found in _RESPONSE.finditer(data):
            headers = (line.split(": ", 1) for line in found[2].decode().split("\r\n"))
            self.answers.append(Answer(int(found[1]), {name.lower(): value for name, value in headers}, b""))
            end = found.end()
        return data[end:]


class Load:
    """Clients that ask without pause; each POST has a path of its own. Before a reload a client must not keep its
    connection: nginx closes idle ones then, perhaps just as a request goes out."""

    def __init__(self, edge, clients=4, keep=True):
        self.edge = edge
        self.keep = keep
        self.statuses: Counter = Counter()
        self.posts: set[str] = set()
        self.trouble: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        with closing(self.edge.connect()) as connection:
            number = 0
            while not self._stop.is_set():
                number += 1
                method, path = ("POST", f"/post/{client}/{number}") if number % 2 else ("GET", "/")
                headers = {"Host": HOST} if self.keep else {"Host": HOST, "Connection": "close"}
                try:
                    connection.request(method, path, body=b"x" if number % 2 else None, headers=headers)
                    answer = read(connection)
                except (OSError, http.client.HTTPException) as error:
                    self.trouble.append(repr(error))
                    connection.close()
                    continue
                self.statuses[answer.status] += 1
                if answer.status != 200:
                    self.trouble.append(f"{method} {answer.status} {answer.body.decode()}")
                if method == "POST":
                    self.posts.add(path)

    def more(self, requests=40):
        wanted = sum(self.statuses.values()) + requests
        eventually(lambda: self.trouble or sum(self.statuses.values()) >= wanted)
