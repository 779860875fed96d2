"""The router's part of a terminal: it carries bytes between a client and the agent, for as long as the client may."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from flask import Response

from slipway.adapters.agent.terminals import OpenTerminal
from slipway.core.terminal.channels import SUBPROTOCOL
from slipway.core.terminal.websocket import accept_of

LOOK_S = 1.0
"""How often it is looked whether the client may go on."""
WRITE_TIMEOUT_S = 30.0
_PIECE_BYTES = 64 << 10
SOCKET = "gunicorn.socket"
"""Where the server's environment has the client's connection."""


class TerminalResponse(Response):
    """Takes the client's connection over from the server, which closes it afterwards: a WSGI answer of 101 has no
    body."""

    def __init__(self, key: str, relay: Callable[[socket.socket], None]) -> None:
        super().__init__(status=101)
        self._key = key
        self._relay = relay

    def __call__(self, environ, start_response):  # type: ignore[no-untyped-def]  # noqa: ARG002
        connection = environ[SOCKET]
        connection.settimeout(WRITE_TIMEOUT_S)
        with suppress(OSError):
            connection.sendall(self._head())
        self._relay(connection)
        raise StopIteration  # what gunicorn knows as the end of a connection

    def _head(self) -> bytes:
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Accept: {accept_of(self._key)}", f"Sec-WebSocket-Protocol: {SUBPROTOCOL}"]
        return "\r\n".join([*lines, "", ""]).encode()


def relay(client: socket.socket, agent: OpenTerminal, may_go_on: Callable[[], bool]) -> None:
    """Until one of the two closes, takes nothing for too long, or the client may not go on."""
    with agent.connection, selectors.DefaultSelector() as selector, suppress(OSError):
        agent.connection.settimeout(WRITE_TIMEOUT_S)
        if agent.first:
            client.sendall(agent.first)
        selector.register(client, selectors.EVENT_READ, agent.connection)
        selector.register(agent.connection, selectors.EVENT_READ, client)
        looked_at = time.monotonic()
        while True:
            for key, _ in selector.select(LOOK_S):
                data = key.fileobj.recv(_PIECE_BYTES)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)
            if time.monotonic() - looked_at >= LOOK_S:
                looked_at = time.monotonic()
                if not may_go_on():
                    return
