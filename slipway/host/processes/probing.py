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


def dns_answers(listen: str, zone: str, *, timeout_s: float = 2.0) -> tuple[bool, str]:
    """Ask the server at `address:port` for the zone's SOA record; whether it has it, and the response's code or the
    error. A question is a header, the name by its labels, type and class (RFC 1035, section 4.1)."""
    address, port = address_of(listen)
    name = b"".join(bytes([len(label)]) + label.encode() for label in zone.split(".")) + b"\0"
    question = b"\x51\x50\0\0\0\1\0\0\0\0\0\0" + name + b"\0\6\0\1"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect((address, port))
            connection.send(question)
            said = connection.recv(1500)
    except OSError as error:
        return False, str(error)
    return said[:2] == question[:2] and said[6:8] == b"\0\1", f"code {said[3] & 15}"


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
