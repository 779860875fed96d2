"""A terminal in a replica, over the agent's socket of streams: bytes of a WebSocket, whose two ends are the agent and
the client."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from slipway.core.terminal.channels import Size
from slipway.errors import DependencyUnavailable, InvalidInput, NotFound, SlipwayError

_TIMEOUT_S = 15.0
"""For the agent's answer: the runtime has to begin a program."""
_HEAD_MAX_BYTES = 64 << 10
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class OpenTerminal:
    """The agent's side of a WebSocket that has begun."""

    connection: socket.socket
    first: bytes
    """What came with the answer's head."""


def open_terminal(
    streams_socket: Path, replica_id: str, command: Sequence[str], size: Size | None, key: str
) -> OpenTerminal:
    """Have the agent begin it. `key`: the client's Sec-WebSocket-Key, which the agent answers.

    Raises:
        NotFound: the replica does not run.
        InvalidInput: that can't be run.
        DependencyUnavailable: the agent does not answer.
    """
    sides = {"columns": size.columns, "rows": size.rows} if size else {}
    spec = quote(json.dumps({"command": list(command), **sides}), safe="")
    head = f"GET /replicas/{quote(replica_id, safe='')}/terminal?spec={spec} HTTP/1.1\r\nHost: agent\r\n"
    head += f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(str(streams_socket))
        connection.sendall(head.encode())
        return OpenTerminal(connection, _begun(connection))
    except OSError as error:
        connection.close()
        raise DependencyUnavailable(
            "The agent does not answer; apps serve on.", remedy="slipway doctor says more"
        ) from error
    except BaseException:
        connection.close()
        raise


def _begun(connection: socket.socket) -> bytes:
    received = b""
    while _END_OF_HEAD not in received:
        received += _piece(connection, received)
    head, _, rest = received.partition(_END_OF_HEAD)
    status = int(head.split(b" ", 2)[1])
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        return rest
    while data := connection.recv(_HEAD_MAX_BYTES):
        rest += data
    raise _refused(status, rest)


def _piece(connection: socket.socket, received: bytes) -> bytes:
    data = connection.recv(_HEAD_MAX_BYTES)
    if not data or len(received) > _HEAD_MAX_BYTES:
        raise ConnectionError("the agent's answer broke off")
    return data


def _refused(status: int, body: bytes) -> SlipwayError:
    problem = json.loads(body) if body else {}
    kind = {HTTPStatus.NOT_FOUND: NotFound, HTTPStatus.UNPROCESSABLE_ENTITY: InvalidInput}.get(
        HTTPStatus(status), DependencyUnavailable
    )
    return kind(str(problem.get("detail", "The agent refused it.")), remedy=str(problem.get("remedy", "")))
