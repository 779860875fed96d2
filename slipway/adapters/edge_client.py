"""Requests to apps, sent to this host's own edge as any client's are.

They go to the edge's listener by the address that the settings have: no name is resolved, no proxy is asked, no
redirect is followed. Which app gets one is decided by its host's name alone, as of every request.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from slipway.adapters import edge_secrets
from slipway.core.routing.tried_request import TriedRequest
from slipway.errors import DependencyUnavailable
from slipway.settings import Settings, address_of

BODY_MOST_BYTES = 256 << 10
"""Of an answer: the rest is not read."""
ASKING, TARGET, APP_S, EDGE_S = "X-Slipway-Try", "X-Slipway-Target", "X-Slipway-App-S", "X-Slipway-Edge-S"
"""The header that asks an edge which target took the request and how long it took, and those that say it
(nginx/lua/slipway/request/tried_request.lua)."""
_ASKING_S = 60
_CONNECT_S = 2.0
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}  # noqa: S104
"""Where a listener on every address is reached on this host."""


@dataclass(frozen=True, slots=True)
class Where:
    """A host of an app, as clients reach it."""

    scheme: str
    authority: str
    """The host, with the port that stands in its address."""

    @property
    def host(self) -> str:
        return self.authority.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Headers and body are what an app chose."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_cut: bool
    """There was more of it than is read, or it did not end in time."""
    replica: str
    """Which answered; empty: the edge did, or does not say."""
    app_s: float | None
    """Until the app's first byte, as the edge saw it."""
    edge_s: float | None
    """What the edge itself took until then."""
    first_byte_s: float
    total_s: float


class EdgeClient:
    def __init__(self, settings: Settings) -> None:
        self._listens = {"http": settings.http_listen, "https": settings.https_listen}
        self._key_dir = settings.key_dir

    def send(self, where: Where, request: TriedRequest, *, cookie: str = "", timeout_s: float) -> Answer:
        """`cookie` is one of ours, which the edge keeps from the app. An answer that goes on for longer is cut.

        Raises:
            DependencyUnavailable: the edge gave none in time.
        """
        started = time.monotonic()
        try:
            with _connected(self._address(where), where, timeout_s) as connection:
                _write(connection, request, {"Host": where.authority, ASKING: self._asking(where.host)}, cookie)
                response = connection.getresponse()
                first_byte_s = time.monotonic() - started
                body, is_cut = _body(response)
        except (OSError, http.client.HTTPException) as error:
            raise DependencyUnavailable(
                f"The edge gave no answer within {timeout_s:g} s.", remedy="look at the app's logs, then try again"
            ) from error
        total_s = time.monotonic() - started
        return _answer(response, body, is_cut or total_s >= timeout_s, first_byte_s, total_s)

    def _address(self, where: Where) -> tuple[str, int]:
        host, port = address_of(self._listens[where.scheme])
        try:
            return str(ip_address(_ANY.get(host, host))), port
        except ValueError:
            raise DependencyUnavailable(
                "The edge listens at a name, and no name is resolved for this.",
                remedy="write its listener as address:port in .env",
            ) from None

    def _asking(self, host: str) -> str:
        """Good for a minute and for that host. No app sees it, and no client can make it."""
        until = str(int(time.time()) + _ASKING_S)
        return f"{until}.{mark(edge_secrets.derived(self._key_dir, edge_secrets.TRIED_REQUESTS), until, host)}"


def mark(secret: str, until: str, host: str) -> str:
    """As the edge makes it."""
    return base64.b64encode(hmac.digest(secret.encode(), f"{until} {host}".encode(), "sha1")).decode()


@contextmanager
def _connected(address: tuple[str, int], where: Where, timeout_s: float) -> Iterator[http.client.HTTPConnection]:
    """A connection that ends when the time is over, whatever the other side sends until then."""
    raw = socket.create_connection(address, min(_CONNECT_S, timeout_s))
    second = raw.dup()
    clock = threading.Timer(timeout_s, _end, [second])
    clock.daemon = True
    connection = http.client.HTTPConnection(where.host)
    try:
        clock.start()
        raw.settimeout(timeout_s)
        connection.sock = _tls(raw, where.host) if where.scheme == "https" else raw
        yield connection
    finally:
        clock.cancel()
        connection.close()
        raw.close()
        second.close()


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself


def _tls(raw: socket.socket, host: str) -> ssl.SSLSocket:
    """The edge is known by its address: until a host has a certificate, it serves one of its own making."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw, server_hostname=host)


def _write(connection: http.client.HTTPConnection, request: TriedRequest, own: Mapping[str, str], cookie: str) -> None:
    connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
    for name, value in own.items():
        connection.putheader(name, value)
    for name, value in request.headers:
        if name.lower() != "cookie":
            connection.putheader(name, value)
    cookies = [value for name, value in request.headers if name.lower() == "cookie"] + ([cookie] if cookie else [])
    if cookies:
        connection.putheader("Cookie", "; ".join(cookies))
    body = request.body.encode()
    if body or request.method in ("POST", "PUT", "PATCH"):
        connection.putheader("Content-Length", str(len(body)))
    connection.putheader("Connection", "close")
    connection.endheaders(body or None)


def _body(response: http.client.HTTPResponse) -> tuple[bytes, bool]:
    """As much as came in time."""
    pieces, left = [], BODY_MOST_BYTES
    try:
        while left and (piece := response.read1(left)):
            pieces.append(piece)
            left -= len(piece)
        is_cut = bool(response.length if left else response.read1(1))
    except (OSError, http.client.HTTPException):
        is_cut = True
    return b"".join(pieces), is_cut


def _answer(
    response: http.client.HTTPResponse, body: bytes, is_cut: bool, first_byte_s: float, total_s: float
) -> Answer:
    ours = {each.lower() for each in (TARGET, APP_S, EDGE_S)}
    return Answer(
        status=response.status,
        reason=response.reason,
        headers=tuple((name, value) for name, value in response.getheaders() if name.lower() not in ours),
        body=body,
        is_cut=is_cut,
        replica=response.getheader(TARGET, ""),
        app_s=_seconds(response.getheader(APP_S, "")),
        edge_s=_seconds(response.getheader(EDGE_S, "")),
        first_byte_s=first_byte_s,
        total_s=total_s,
    )


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
