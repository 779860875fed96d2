"""An edge with sign-on, whose router a test plays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from edge_backend import Server
from edge_limits import LONG_PORTIONS, SLOW_HOST
from edge_people import ENVIRON, Person
from edge_publisher import HOST, target
from edge_rig import Edge, Rig, running, short_folder
from edge_router import PATIENT, TENANT, Caller, StubRouter, stub_router

from tests.fixtures.waiting import eventually


@pytest.fixture(scope="session")
def signed_on() -> Iterator[tuple[Rig, StubRouter]]:
    """One for all tests that do it no harm."""
    with (
        running(ENVIRON, {**PATIENT, **SLOW_HOST, **LONG_PORTIONS}) as rig,
        stub_router(rig.edge.settings.router_internal_socket) as router,
    ):
        eventually(lambda: rig.edge.status["identity_changes"] == "followed")
        yield rig, router
        assert rig.edge.complaints == []


@pytest.fixture
def rig(signed_on: tuple[Rig, StubRouter]) -> Rig:
    signed_on[0].unroute(HOST)
    return signed_on[0]


@pytest.fixture
def router(signed_on: tuple[Rig, StubRouter]) -> StubRouter:
    signed_on[1].reset()
    return signed_on[1]


@pytest.fixture
def person(rig: Rig, router: StubRouter, app_id: str) -> Callable[..., Person]:
    """Signs somebody in."""

    def sign_in(name: str = "ada", **more: Any) -> Person:
        value = hashlib.sha256(f"{app_id} {name}".encode()).hexdigest()[:43]
        made = Person(rig, Caller(value[:16], name, **more), value)
        router.callers |= {value: made.caller, made.token: made.caller}
        return made

    return sign_in


@pytest.fixture
def app(rig: Rig, backend: Callable[..., Server], app_id: str) -> Server:
    """An app for members of its tenant."""
    server = backend()
    rig.route(HOST, target(server.port), app=app_id, access=TENANT)
    return server


@pytest.fixture
def other_edge(rig: Rig, router: StubRouter) -> Iterator[Edge]:
    """A second nginx on the same Redis, whose router is another door of the same one."""
    with short_folder() as folder:
        environ = {"SLIPWAY_REDIS_URL": f"unix://{rig.redis.socket}", "SLIPWAY_EDGE_ID": "edge-2"}
        other = Edge(folder, {**ENVIRON, **environ}, PATIENT)
        with stub_router(other.settings.router_internal_socket) as its_router:
            its_router.callers = router.callers
            other.start()
            eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())
            eventually(lambda: other.status["identity_changes"] == "followed")
            yield other
            other.stop()
