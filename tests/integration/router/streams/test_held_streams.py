"""Many streams held at once, with the agent's own servers behind the router as it runs in production."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from builder.agent.api import stream_server
from slipway.core.access.roles import Role
from slipway.models import Replica
from tests.fixtures.api import Api
from tests.fixtures.services.router_server import events, running_router
from tests.fixtures.waiting import eventually
from tests.integration.agent.output_rig import calls, serving_short_calls, serving_streams
from tests.integration.agent.rig import Rig

STREAMS = 200
DEADLINE_S = 20
"""Of a client. Generous, because hosts are busy; what it took is printed."""


@pytest.fixture
def rig(api: Api) -> Iterator[Rig]:
    """The agent on the API's own database, with a fake of the runtime."""
    made = Rig(api.services.settings.database_url, api.services.settings.state_dir)
    yield made
    made.db.dispose()


@pytest.fixture
def agent(rig: Rig) -> Iterator[stream_server.StreamServer]:
    with serving_short_calls(rig, calls(rig)), serving_streams(rig) as streams:
        yield streams


def live(rig: Rig, name: str, replicas: int) -> list[Replica]:
    app = rig.add_app(name, replicas=replicas)
    rig.live(app)
    found = rig.replicas(app)
    for each in found:
        rig.runtime.containers[str(each.container_id)].output.append(b"2030-01-01T00:00:01Z one\n")
    return found


def test_while_one_viewer_holds_two_hundred_streams_another_tenants_calls_are_answered(
    api: Api, rig: Rig, agent: stream_server.StreamServer
) -> None:
    live(rig, "hello", 3)
    viewer, stranger = api.caller("acme", Role.VIEWER), api.caller("globex", Role.VIEWER)
    rig.tenant_id = api.tenant_id("globex")
    (theirs,) = live(rig, "theirs", 1)
    with (
        running_router(api.services.settings, STREAMS="512", STREAMS_PER_TENANT="400") as server,
        ExitStack() as held,
        server.client(stranger.token, DEADLINE_S) as other,
    ):
        clients = [
            held.enter_context(server.client(viewer.token, DEADLINE_S)) for _ in range(2)
        ]  # 100 connections each

        def follow(number: int) -> tuple[httpx.Response, Iterator[dict[str, str]]]:
            client = clients[number % len(clients)]
            answer = client.send(client.build_request("GET", "/api/apps/hello/logs?follow=1"), stream=True)
            assert answer.status_code == 200
            stream = events(answer.iter_lines())
            assert {next(stream)["event"] for _ in range(3)} == {"line"}, "each replica's"
            return answer, stream

        with ThreadPoolExecutor(8) as pool:
            streams = list(pool.map(follow, range(STREAMS)))
        assert places_taken(agent) == 3, "one a replica, however many read along"

        took = {}
        for name, path, expected in (
            ("logs", "/api/apps/theirs/logs", f"{theirs.id} 2030-01-01T00:00:01Z one"),
            ("stats", f"/api/containers/{theirs.id}/stats", '"processes"'),
        ):
            began = time.monotonic()
            answer = other.get(path)
            took[name] = round(time.monotonic() - began, 3)
            assert (answer.status_code, expected in answer.text) == (200, True), answer.text
        print(f"beside {STREAMS} streams, in seconds: {took}")

        for container in rig.runtime.containers.values():
            container.output.append(b"2030-01-01T00:00:02Z two\n")
        for _, stream in streams:
            assert next(stream)["event"] == "line", "all were held until now"
        for answer, _ in streams:
            answer.close()
        eventually(lambda: places_taken(agent) == 0, what="nobody reads, so nothing is followed")


def places_taken(server: stream_server.StreamServer) -> int:
    return stream_server.STREAMS_MAX - server.places._value
