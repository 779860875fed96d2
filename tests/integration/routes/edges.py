"""Real edges that follow a Redis, each in a folder and on a port of its own."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from slipway.host import edge
from slipway.settings import load
from tests.fixtures.ports import free_port
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually


class RealEdge:
    """One nginx. Use as a context, or `start` and `stop`."""

    def __init__(self, redis: RedisServer, edge_id: str = "edge-1", *, workers: int = 2) -> None:
        open_to_nginx(redis)
        self.folder = Path(tempfile.mkdtemp(prefix="slw-", dir="/tmp"))
        self.folder.chmod(0o755)  # nginx's workers are another user
        self.port = free_port()
        self.settings = load(
            {
                "SLIPWAY_STATE_DIR": str(self.folder),
                "SLIPWAY_HTTP_LISTEN": f"127.0.0.1:{self.port}",
                "SLIPWAY_REDIS_URL": redis.url,
                "SLIPWAY_EDGE_ID": edge_id,
                "SLIPWAY_EDGE_WORKERS": str(workers),
            }
        )
        self.errors = self.folder / "errors.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.errors.open("ab") as log:
            self.process = subprocess.Popen(edge.prepare(self.settings), stderr=log, stdin=subprocess.DEVNULL)
        eventually(self._listens, every_s=0.01, what="the edge listens")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """SIGKILL ends the master alone, as a crash does."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait(timeout=10)
            self.process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def status(self) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as private:
            private.settimeout(10)
            private.connect(str(edge.status_socket(self.settings)))
            private.sendall(b"GET /status HTTP/1.0\r\nHost: edge\r\n\r\n")
            answer = b"".join(iter(lambda: private.recv(65536), b""))
        found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return found

    def holds(self, epoch: str, generation: int) -> bool:
        with suppress(OSError):
            status = self.status
            return (status["epoch"], status["generation"]) == (epoch, generation)
        return False

    def ask(self, host: str, path: str = "/") -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("GET", path, headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read()

    def _listens(self) -> bool:
        assert self.process is None or self.process.poll() is None, self.errors.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        return True


@contextmanager
def real_edge(redis: RedisServer, edge_id: str = "edge-1", *, workers: int = 2) -> Iterator[RealEdge]:
    made = RealEdge(redis, edge_id, workers=workers)
    try:
        made.start()
        yield made
    finally:
        made.close()


def open_to_nginx(redis: RedisServer) -> None:
    """nginx's workers may connect. Again after each start of the server."""
    path = Path(redis.url.removeprefix("unix://"))
    path.parent.chmod(0o755)
    path.chmod(0o777)
