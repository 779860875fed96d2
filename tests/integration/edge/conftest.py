"""Parts of a running edge, each test its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from edge_backend import Server
from edge_publisher import Publisher
from edge_rig import BlackHole, Edge, RedisServer, Rig, eventually


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short path: a unix socket's may have 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="edge-", dir="/tmp"))
    path.chmod(0o755)  # the workers run as another user
    yield path
    shutil.rmtree(path)


@pytest.fixture
def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def environ() -> dict[str, str]:
    """Settings beside the rig's own; a test module overrides it."""
    return {}


@pytest.fixture
def edge(folder: Path, environ: dict[str, str]) -> Iterator[Edge]:
    """Not started yet."""
    made = Edge(folder, environ)
    yield made
    made.stop()


@pytest.fixture
def rig(redis_server: RedisServer, edge: Edge) -> Rig:
    """A running edge that holds an empty table."""
    publisher = Publisher(redis_server.client)
    publisher.start()
    edge.start()
    eventually(publisher.is_in_force)
    return Rig(redis_server, edge, publisher)


@pytest.fixture
def backend() -> Iterator[Callable[..., Server]]:
    """Starts apps to proxy to."""
    servers: list[Server] = []

    def start(name: str = "one", port: int = 0) -> Server:
        server = Server(name, port)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def black_hole() -> Iterator[BlackHole]:
    hole = BlackHole()
    yield hole
    hole.close()
