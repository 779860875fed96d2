"""Edges for tests of limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from edge_limits import LONG_LEASES, SLOW_HOST
from edge_rig import Edge, Rig, running, short_folder

from tests.fixtures.waiting import eventually


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    environ = {"SLIPWAY_TRUSTED_PROXIES": "127.0.0.1", "SLIPWAY_EDGE_WORKERS": "4"}
    with running(environ, {**SLOW_HOST, **LONG_LEASES, "usage_every_s": 0.05}) as made:
        yield made
        assert made.edge.complaints == []


@pytest.fixture
def other_edge(rig: Rig) -> Iterator[Edge]:
    """A second nginx on the same Redis."""
    with short_folder() as folder:
        environ = {"SLIPWAY_REDIS_URL": f"unix://{rig.redis.socket}", "SLIPWAY_EDGE_ID": "edge-2"}
        other = Edge(folder, {**environ, "SLIPWAY_EDGE_WORKERS": "4"}, {**SLOW_HOST, **LONG_LEASES})
        other.start()
        eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())
        yield other
        other.stop()
