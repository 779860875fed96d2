"""An edge with sign-on, whose router a test plays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from edge_backend import Server
from edge_publisher import HOST, target
from edge_rig import Answer, Edge, Rig, running, short_folder
from edge_router import PATIENT, SIGN_ON, TENANT, Caller, StubRouter, changed, stub_router

from tests.fixtures.waiting import eventually

ENVIRON = {**SIGN_ON, "SLIPWAY_TRUSTED_PROXIES": "127.0.0.1", "SLIPWAY_EDGE_WORKERS": "4"}


@pytest.fixture(scope="session")
def signed_on() -> Iterator[tuple[Rig, StubRouter]]:
    """One for all tests that do it no harm."""
    with (
        running(ENVIRON, PATIENT) as rig,
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


@dataclass
class Person:
    """Somebody with a session on the app's host, whom no other test knows."""

    rig: Rig
    caller: Caller
    value: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"theme=dark; slipway-session={self.value}"}

    def ask(self, path: str = "/", method: str = "GET", host: str = HOST, **more: Any) -> Answer:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.rig.edge.ask(host, path, method, headers=headers, **more)

    def is_refused(self, edge: Edge | None = None) -> bool:
        return (edge or self.rig.edge).ask(HOST, headers=self.headers).status == 401

    def change(self, subject: str = "person") -> None:
        name = self.caller.sub if subject == "person" else f"of-{self.caller.sub}"
        changed(self.rig.redis.client, f"{subject}:{name}")


@pytest.fixture
def person(rig: Rig, router: StubRouter, app_id: str) -> Callable[..., Person]:
    """Signs somebody in."""

    def sign_in(name: str = "ada", **more: Any) -> Person:
        value = hashlib.sha256(f"{app_id} {name}".encode()).hexdigest()[:43]
        router.callers[value] = Caller(value[:16], name, **more)
        return Person(rig, router.callers[value], value)

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
