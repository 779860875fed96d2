"""Asking a service whether it is there: HTTP and Redis over unix sockets, standard library only."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from slipway.adapters.agent.unix_http import UnixHTTP
from slipway.settings import address_of

# sun_path holds 108 bytes including the closing zero.
SOCKET_PATH_MAX = 107


def http_status(path: Path, target: str, *, timeout_s: float = 2.0) -> tuple[int, str]:
    """GET `target` over the unix socket `path`; the status and the body's beginning, or 0 and the error."""
    return _get(UnixHTTP(path, timeout_s), target)


def tcp_status(listen: str, target: str, *, timeout_s: float = 2.0) -> tuple[int, str]:
    """As `http_status`, at `address:port`."""
    address, port = address_of(listen)
    return _get(http.client.HTTPConnection(address, port, timeout=timeout_s), target)


def engine_answers(docker_host: str, *, timeout_s: float = 2.0) -> bool:
    """Whether a Docker Engine answers at `unix://…` or `tcp://host:port`."""
    where = urlsplit(docker_host)
    if where.scheme == "unix":
        return http_status(Path(where.path), "/_ping", timeout_s=timeout_s)[0] == 200
    tcp = http.client.HTTPConnection(where.hostname or "localhost", where.port or 2375, timeout=timeout_s)
    return _get(tcp, "/_ping")[0] == 200


def redis_answers(path: Path, *, timeout_s: float = 2.0) -> tuple[bool, str]:
    """PING over the unix socket `path`; whether it said PONG, and what it said or the error."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            said = connection.recv(256).decode("utf-8", "replace").strip()
    except OSError as error:
        return False, str(error)
    return said == "+PONG", said


def wait_until(condition: Callable[[], bool], *, timeout_s: float, interval_s: float = 0.05) -> bool:
    """Whether `condition` came true before the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval_s)
    return True


def _get(connection: http.client.HTTPConnection, target: str) -> tuple[int, str]:
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__
    finally:
        connection.close()
