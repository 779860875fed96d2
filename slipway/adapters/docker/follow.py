"""Output as it comes, from the Engine's socket.

The client library hides the socket behind buffers that a time-out breaks, so a reader would wait there for as long as a
container is silent, and could not be called back. Here silence is reported too. HTTP/1.0 is asked for: its answers are
not chunked.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from slipway.adapters.docker.engine import CALL_TIMEOUT_S
from slipway.adapters.docker.output import FrameDecoder, LineJoiner, time_of
from slipway.errors import NotFound

QUIET_S = 2.0
"""After so long without output the reader gets an empty line."""
RATE_BYTES_PER_S = 2 << 20
"""No faster than this on average: a container that prints without pause must not take the reader's CPU."""
_PIECE_BYTES = 64 << 10
_HEADERS_MAX_BYTES = 64 << 10
_END_OF_HEADERS = b"\r\n\r\n"


def followed_lines(engine_url: str, api_version: str, container_id: str, *, since: str, tail: str) -> Iterator[bytes]:
    """Lines `<time> <text>\\n` as they come; empty ones when it is open, and when no other waits.

    Args:
        since: Unix seconds with nanoseconds; empty: from the first line on.
        tail: how many messages before those to come; `all`.

    Raises:
        NotFound: there is no such container.
        OSError: the Engine does not answer.
    """
    query = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": 1, "tail": tail}
    target = f"/v{api_version}/containers/{container_id}/logs?{urlencode(query | ({'since': since} if since else {}))}"
    decoder, joiner = FrameDecoder(), LineJoiner()
    for data in _received(engine_url, target):
        for message in decoder.feed(data):
            line = joiner.add(*message)
            if line is not None:
                yield line
        yield b""
        time.sleep(len(data) / RATE_BYTES_PER_S)
    yield from joiner.rest()


def unix_text(printed_at: str) -> str:
    """`<seconds>.<nanoseconds>` of a line's time, as the Engine takes it; empty for none."""
    if not printed_at:
        return ""
    seconds, _, fraction = printed_at.removesuffix("Z").partition(".")
    return f"{datetime.fromisoformat(seconds).replace(tzinfo=UTC).timestamp():.0f}.{fraction:0<9}"


def newer(lines: Iterator[bytes], after: str) -> Iterator[bytes]:
    """Those printed after that time, and the signs of silence."""
    return (line for line in lines if not line or time_of(line) > after)


def _received(engine_url: str, target: str) -> Iterator[bytes]:
    """The answer's body as it comes; nothing after each QUIET_S of silence."""
    with connected(engine_url) as connection:
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        yield _begun(connection)
        connection.settimeout(QUIET_S)
        while True:
            try:
                data = connection.recv(_PIECE_BYTES)
            except TimeoutError:
                yield b""
                continue
            if not data:
                return
            yield data


def connected(engine_url: str) -> socket.socket:
    """A connection of its own to the Engine. Raises OSError."""
    parts = urlsplit(engine_url)
    if parts.scheme != "unix":
        return socket.create_connection((parts.hostname or "localhost", parts.port or 2375), CALL_TIMEOUT_S)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(CALL_TIMEOUT_S)
        connection.connect(parts.path)
    except OSError:
        connection.close()
        raise
    return connection


def _begun(connection: socket.socket) -> bytes:
    """Reads the headers; what came of the body with them."""
    received = b""
    while _END_OF_HEADERS not in received:
        data = connection.recv(_PIECE_BYTES)
        if not data or len(received) > _HEADERS_MAX_BYTES:
            raise ConnectionError("the Engine's answer broke off")
        received += data
    headers, _, body = received.partition(_END_OF_HEADERS)
    status = int(headers.split(b" ", 2)[1])
    if status == HTTPStatus.NOT_FOUND:
        raise NotFound("This replica is gone, and its output with it.")
    if status != HTTPStatus.OK:
        raise ConnectionError(f"the Engine answered {status}")
    return body
