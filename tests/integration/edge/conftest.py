"""Parts of a running edge."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from edge_backend import Server
from edge_publisher import HOST
from edge_rig import BlackHole, Edge, RedisServer, Rig, running, short_folder
from edge_tls import SecureRig, running_with_https


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


@pytest.fixture
def emptied_rig(shared_rig: Rig) -> Rig:
    """The same without a route of HOST, whatever the test before has published."""
    shared_rig.unroute(HOST)
    return shared_rig


@pytest.fixture
def app_id(request: pytest.FixtureRequest) -> str:
    """Another app for each test: what the edge holds about one test's app does not reach the next test."""
    return f"app-{abs(hash(request.node.name))}"


@pytest.fixture
def pool() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    with concurrent.futures.ThreadPoolExecutor(40) as made:
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


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRig]:
    """An edge with HTTPS: neither nginx nor Lua may complain of itself meanwhile."""
    lua, conf = {"usage_every_s": 0.05}, {"flush=1s": "flush=20ms"}
    with running_with_https(tmp_path_factory.mktemp("tls"), lua=lua, conf=conf) as made:
        yield made
        assert made.rig.edge.complaints == []
