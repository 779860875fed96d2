"""The agent's publisher and a real edge on one Redis."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from slipway.adapters.redis.routes import RedisRoutes
from slipway.adapters.redis.work_queue import connect
from slipway.host import edge
from slipway.ports.routes import Position
from slipway.settings import load
from tests.fixtures.ports import free_port
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually

EDGE = "edge-1"


@dataclass
class Rig:
    routes: RedisRoutes
    redis: Redis
    server: RedisServer
    port: int

    def ask(self, host: str) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", "/", headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read()

    def confirmed(self, position: Position) -> bool:
        return self.routes.confirmations().get(EDGE) == position


@pytest.fixture
def rig(own_redis: RedisServer) -> Iterator[Rig]:
    folder = Path(tempfile.mkdtemp(prefix="slw-", dir="/tmp"))
    folder.chmod(0o755)  # nginx's workers are another user
    port = free_port()
    settings = load(
        {
            "SLIPWAY_STATE_DIR": str(folder),
            "SLIPWAY_HTTP_LISTEN": f"127.0.0.1:{port}",
            "SLIPWAY_REDIS_URL": own_redis.url,
            "SLIPWAY_EDGE_ID": EDGE,
        }
    )
    _open_to_nginx(own_redis)
    client = connect(own_redis.url)
    with subprocess.Popen(edge.prepare(settings), stderr=subprocess.DEVNULL) as nginx:
        try:
            eventually(lambda: _accepts(port), what="the edge listens")
            yield Rig(RedisRoutes(client), client, own_redis, port)
        finally:
            nginx.terminate()
    client.close()
    shutil.rmtree(folder)


@pytest.fixture
def backend() -> Iterator[int]:
    """Answers every request with 200 and `old`; the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_all, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _answer_all(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")


def _open_to_nginx(server: RedisServer) -> None:
    socket_path = Path(server.url.removeprefix("unix://"))
    socket_path.parent.chmod(0o755)
    socket_path.chmod(0o777)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
