"""Parts of a running edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from edge_backend import Server
from edge_rig import BlackHole, Edge, RedisServer, Rig, running, short_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield path


@pytest.fixture
def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def edge(folder: Path) -> Iterator[Edge]:
    """Not started yet."""
    made = Edge(folder, {})
    yield made
    made.stop()


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A running edge that holds an empty table."""
    with running({}) as made:
        yield made


@pytest.fixture(scope="module")
def shared_rig() -> Iterator[Rig]:
    """For modules whose tests do the edge no harm: they may call it `rig`."""
    with running({}) as made:
        yield made


@pytest.fixture(scope="module")
def watched_rig() -> Iterator[Rig]:
    """Of one worker, for modules that send garbage: neither nginx nor Lua may complain of itself meanwhile."""
    with running({"SLIPWAY_EDGE_WORKERS": "1"}) as made:
        yield made
        assert made.edge.complaints == []


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
