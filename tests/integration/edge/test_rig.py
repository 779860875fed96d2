"""The rig of these tests leaves nothing open when an answer can't be read: else a later test would fail for it."""

from __future__ import annotations

import http.client
import socket

import pytest
from edge_rig import read
from edge_wire import Arrived, wire_app


def cut(_: Arrived, connection: socket.socket) -> None:
    """An answer that ends amid a chunk."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nab")
    connection.shutdown(socket.SHUT_RDWR)


class Watched(http.client.HTTPConnection):
    response: http.client.HTTPResponse

    def getresponse(self) -> http.client.HTTPResponse:
        self.response = super().getresponse()
        return self.response


def test_an_answer_that_is_cut_is_closed() -> None:
    with wire_app(cut) as app:
        connection = Watched("127.0.0.1", app.port, timeout=30)
        connection.request("GET", "/")
        with pytest.raises(http.client.IncompleteRead):
            read(connection)

    assert connection.response.isclosed()
    assert connection.sock is None
