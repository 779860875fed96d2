"""Clients of one host that ask again and again over HTTPS, each in its own way, and note what fails."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from edge_certificates import TlsRig
from edge_tls import Http2Client

REQUESTS_OF_A_CONNECTION = 100


class Client(Protocol):
    """`ask` raises OSError, AssertionError or HTTPException when the request fails."""

    def ask(self) -> None: ...
    def close(self) -> None: ...


class NewConnections:
    """Each request on a connection of its own, without a session of the one before."""

    def __init__(self, tls: TlsRig, host: str, context: ssl.SSLContext) -> None:
        self._tls, self._host, self._context = tls, host, context

    def ask(self) -> None:
        connection = http.client.HTTPConnection(self._host)
        with self._tls.connect(self._host, self._context) as connection.sock:
            _get(connection)

    def close(self) -> None: ...


class KeepAlive:
    """Many requests on each connection."""

    def __init__(self, tls: TlsRig, host: str, context: ssl.SSLContext) -> None:
        self._tls, self._host, self._context = tls, host, context
        self._connection = http.client.HTTPConnection(host)
        self._asked = 0

    def ask(self) -> None:
        if self._connection.sock is None or self._asked % REQUESTS_OF_A_CONNECTION == 0:
            self.close()
            self._connection.sock = self._tls.connect(self._host, self._context)
        self._asked += 1
        _get(self._connection)

    def close(self) -> None:
        self._connection.close()


class Http2:
    """Many requests on each connection, over HTTP/2."""

    def __init__(self, tls: TlsRig, host: str, context: ssl.SSLContext) -> None:
        self._tls, self._host, self._context = tls, host, context
        context.set_alpn_protocols(["h2"])
        self._connection: Http2Client | None = None
        self._asked = 0

    def ask(self) -> None:
        if self._connection is None or self._asked % REQUESTS_OF_A_CONNECTION == 0:
            self.close()
            self._connection = Http2Client(self._tls.connect(self._host, self._context))
        self._asked += 1
        stream = self._connection.ask(host=self._host)
        assert stream.ended, f"the stream was reset: {stream.reset}"
        assert stream.status == 200

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _get(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/")
    with connection.getresponse() as response:
        response.read()
        assert response.status == 200


Way = type[NewConnections] | type[KeepAlive] | type[Http2]


class Clients:
    """They ask until the context ends, and trust one root alone."""

    def __init__(self, tls: TlsRig, host: str, trusted: str, ways: Sequence[Way] = (NewConnections,) * 3) -> None:
        self.failed: list[str] = []
        self.served: Counter[str] = Counter()
        self._ways = frozenset(way.__name__ for way in ways)
        self._stopped = threading.Event()
        clients = [(way.__name__, way(tls, host, ssl.create_default_context(cadata=trusted))) for way in ways]
        self._threads = [threading.Thread(target=self._run, args=each) for each in clients]

    def each_was_served_since(self, before: Counter[str]) -> bool:
        return all(self.served[way] > before[way] for way in self._ways)

    def _run(self, way: str, client: Client) -> None:
        while not self._stopped.is_set():
            try:
                client.ask()
                self.served[way] += 1
            except (OSError, AssertionError, http.client.HTTPException) as error:
                self.failed.append(f"{way}: {error!r}")
                client.close()
        client.close()

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
