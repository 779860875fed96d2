"""A real edge for tests: nginx and Redis of its own in a folder with a short name, and clients to ask it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from edge_publisher import Publisher

from slipway import settings as slipway_settings
from slipway.host import edge
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

DEADLINE_S = 30.0
GLOBAL_WRITE = "writing a global Lua variable"
COMPLAINT = re.compile(
    rf"\[(alert|emerg|crit)\]|runtime error|failed to (load|run)|attempt to|exited on signal|{GLOBAL_WRITE}"
)


class BlackHole:
    """A port that neither takes a connection nor refuses it: its queue is full."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self._listener.getsockname()[1])
        self._queued = [self._fill() for _ in range(3)]

    def _fill(self) -> socket.socket:
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", self.port))
        return filler

    def close(self) -> None:
        for connection in (self._listener, *self._queued):
            connection.close()


@dataclass(frozen=True)
class Answer:
    """A header that came more than once has one value a line."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("edge", timeout=DEADLINE_S)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE_S)
        self.sock.connect(str(self.path))


def read(connection: http.client.HTTPConnection) -> Answer:
    """Closes the response and the connection where it raises."""
    try:
        with connection.getresponse() as response:
            headers: dict[str, str] = {}
            for name, value in response.getheaders():
                headers[name.lower()] = f"{headers[name.lower()]}\n{value}" if name.lower() in headers else value
            return Answer(response.status, headers, response.read())
    except (OSError, http.client.HTTPException):
        connection.close()
        raise


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "run" / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(unix_socket_path=str(self.socket))

    def start(self) -> None:
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        settings = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "777", "--save", ""]
        self.process = subprocess.Popen(
            ["redis-server", *settings, "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        eventually(self._answers)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.client.close()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False


class Edge:
    """One nginx, made by `slipway.host.edge` from settings."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        lua: Mapping[str, Any] | None = None,
        conf: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.lua = {"first_table_s": 3, **(lua or {})}
        """More values for its settings.json."""
        self.conf = conf or {}
        """What stands in nginx.conf -> what shall stand there: timeouts that a test can't wait for."""
        self.settings = slipway_settings.load(
            {"SLIPWAY_STATE_DIR": str(folder), "SLIPWAY_HTTP_LISTEN": f"127.0.0.1:{self.port}", **environ}
        )
        self.errors = folder / "edge-errors.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.errors.open("ab") as log:
            command = edge.prepare(self.settings)
            values = edge.folder(self.settings) / "settings.json"
            values.write_text(json.dumps({**json.loads(values.read_text()), **self.lua}))
            self._amend(edge.folder(self.settings) / "nginx.conf")
            self.process = subprocess.Popen(command, stderr=log)
        eventually(self.is_up)

    def _amend(self, path: Path) -> None:
        text = path.read_text()
        for old, new in self.conf.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(DEADLINE_S)
            self.process = None

    def reload(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGHUP)

    def is_up(self) -> bool:
        try:
            return self.private("/healthz").status == 200
        except (ConnectionError, FileNotFoundError):
            assert self.process is None or self.process.poll() is None, self.errors.read_text()
            return False

    def private(self, path: str) -> Answer:
        with closing(UnixConnection(edge.status_socket(self.settings))) as connection:
            connection.request("GET", path)
            return read(connection)

    @property
    def status(self) -> Any:
        return self.private("/status").json

    @property
    def complaints(self) -> list[str]:
        """What nginx or its Lua said that no client can be the reason for."""
        return [line for line in self.errors.read_text().splitlines() if COMPLAINT.search(line)]

    def kill(self, *workers: int) -> None:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)

    def replace(self, *workers: int) -> None:
        """Kill workers and return when as many others have started in their place.

        A killed worker is listed until the kernel has ended it, so the length of the list alone says nothing.
        """
        before = set(self.status["workers"])
        self.kill(*workers)
        eventually(lambda: _are_replaced(set(workers), before, set(self.status["workers"])))

    def leader(self) -> int:
        """The living worker that leads; a killed one is named until its term ends."""
        leader: int = eventually(lambda: (found := self.status)["leader"] in found["workers"] and found["leader"])
        return leader

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)

    def ask(
        self,
        host: str,
        path: str = "/",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **more: Any,
    ) -> Answer:
        with closing(self.connect()) as connection:
            connection.request(method, path, body=body, headers={"Host": host, **(headers or {})}, **more)
            return read(connection)

    def raw(self, data: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
        try:
            connection.sendall(data)
        except OSError:
            connection.close()
            raise
        return connection


def _are_replaced(killed: set[int], before: set[int], now: set[int]) -> bool:
    return not killed & now and len(now) == len(before)


@dataclass
class Rig:
    """Edge, Redis and a publisher, together."""

    redis: RedisServer
    edge: Edge
    publisher: Publisher

    def route(self, host: str, *targets: dict[str, Any], **more: Any) -> None:
        """Publish and wait until it is in force."""
        self.publisher.route(host, *targets, **more)
        eventually(self.publisher.is_in_force)

    def unroute(self, host: str) -> None:
        self.publisher.publish({host: None})
        eventually(self.publisher.is_in_force)

    def waits(self, app: str, count: int) -> None:
        """Return when so many requests of the app are in the waiting room."""
        eventually(lambda: self.edge.status["waiting"].get(app, 0) == count)


@contextmanager
def short_folder() -> Iterator[Path]:
    """With a short path: a unix socket's may have 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="edge-", dir="/tmp"))
    path.chmod(0o755)  # the workers run as another user
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def running(
    environ: Mapping[str, str], lua: Mapping[str, Any] | None = None, conf: Mapping[str, str] | None = None
) -> Iterator[Rig]:
    """An edge with these settings that holds an empty table."""
    with short_folder() as folder:
        redis_server, edge_ = RedisServer(folder), Edge(folder, environ, lua, conf)
        try:
            redis_server.start()
            publisher = Publisher(redis_server.client)
            publisher.start()
            edge_.start()
            eventually(publisher.is_in_force)
            yield Rig(redis_server, edge_, publisher)
            assert GLOBAL_WRITE not in edge_.errors.read_text()
        finally:
            edge_.stop()
            redis_server.stop()
