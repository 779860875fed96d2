"""Server-sent events from the router as it runs in production."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from router.usecases import following
from slipway import lifecycle
from slipway.core.states import State
from slipway.models import App, Deployment, Release, Replica, now
from tests.fixtures.agent_server import running_agent
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import add_replica, make_live
from tests.fixtures.router_server import RouterServer, events, running_router
from tests.fixtures.waiting import eventually


@pytest.fixture
def server(api: Api) -> Iterator[RouterServer]:
    with running_router(api.services.settings, WEB_THREADS="2") as running:
        yield running


@pytest.fixture
def client(server: RouterServer, viewer: Caller) -> Iterator[httpx.Client]:
    with server.client(viewer.token) as made:
        yield made


@pytest.fixture
def deployment(owner: Caller) -> int:
    owner.create_app()
    return int(owner.post("/api/apps/hello/deployments")["id"])


def _advance(api: Api, number: int, state: State, **values: Any) -> None:
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        lifecycle.advance(row, state)
        for name, value in values.items():
            setattr(row, name, value)


def test_a_deployment_is_followed_until_it_has_drained(api: Api, client: httpx.Client, deployment: int) -> None:
    seen = []
    with client.stream("GET", f"/api/deployments/{deployment}/events") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        stream = events(answer.iter_lines())
        seen.append(next(stream))
        for state in (State.FETCHING, State.BUILDING, State.STARTING):
            _advance(api, deployment, state)
            seen.append(next(stream))
        with api.services.db.write(platform="a test's agent") as session:
            row = session.get_one(Deployment, deployment)
            lifecycle.advance(row, State.LIVE)
            lifecycle.begin_step(row, "drain")
        seen.append(next(stream))
        with api.services.db.write(platform="a test's agent") as session:
            lifecycle.end_step(session.get_one(Deployment, deployment), ok=True)
        seen += list(stream)
    documents = [json.loads(each["data"]) for each in seen]
    assert {each["event"] for each in seen} == {"state"}
    assert [each["state"] for each in documents] == ["queued", "fetching", "building", "starting", "live", "live"]
    assert [step["ended_at"] is None for step in documents[4]["steps"]] == [False, False, False, True]
    assert documents[-1] == client.get(f"/api/deployments/{deployment}").json()


def test_what_has_ended_is_told_once(api: Api, client: httpx.Client, owner: Caller, deployment: int) -> None:
    owner.post(f"/api/deployments/{deployment}/cancel")
    with client.stream("GET", f"/api/deployments/{deployment}/events") as answer:
        assert [json.loads(each["data"])["state"] for each in events(answer.iter_lines())] == ["cancelled"]


def test_a_quiet_stream_gives_signs_of_life(
    api: Api, viewer: Caller, deployment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "HEARTBEAT_S", 0.05)
    answer = viewer.call("GET", f"/api/deployments/{deployment}/events")
    chunks = iter(answer.response)
    assert b"event: state" in next(chunks)  # type: ignore[arg-type]
    assert next(chunks).startswith(b":")  # type: ignore[union-attr]
    answer.close()


def test_a_log_is_followed_line_by_line_and_resumed(api: Api, client: httpx.Client, deployment: int) -> None:
    api.services.log.append(deployment, "one")
    address = f"/api/deployments/{deployment}/log"
    with client.stream("GET", address, headers={"Accept": "text/event-stream"}) as answer:
        stream = events(answer.iter_lines())
        first = next(stream)
        api.services.log.append(deployment, "  two")
        second = next(stream)
        api.services.log.append(deployment, "three")
        api.services.log.finish(deployment)
        rest = list(stream)
    assert (first["event"], first["data"], second["data"]) == ("line", "one", "  two")
    assert [(each["event"], each.get("data", "")) for each in rest] == [("line", "three"), ("end", "")]
    with client.stream("GET", f"{address}?follow=1", headers={"Last-Event-ID": first["id"]}) as answer:
        assert [each["data"] for each in events(answer.iter_lines())][:2] == ["  two", "three"]
    for nonsense in ("x", "9" * 5000, "-"):
        with client.stream("GET", f"{address}?follow=1", headers={"Last-Event-ID": nonsense}) as answer:
            assert next(events(answer.iter_lines()))["data"] == "one"
    assert client.get(address).text == "one\n  two\nthree\n"


def test_a_deployment_without_a_log_has_an_end(api: Api, owner: Caller, client: httpx.Client, deployment: int) -> None:
    owner.post(f"/api/deployments/{deployment}/cancel")
    with client.stream("GET", f"/api/deployments/{deployment}/log?follow=1") as answer:
        assert [each["event"] for each in events(answer.iter_lines())] == ["end"]


def test_replicas_output_is_followed_as_replicas_come_and_go(
    api: Api, client: httpx.Client, owner: Caller, server: RouterServer
) -> None:
    owner.create_app()
    number = make_live(api.services.db, "hello", ready=1)
    old = ["2030-01-01T00:00:01Z a", "2030-01-01T00:00:02Z b"]
    with running_agent(api.services.settings.agent_socket, {"r-1-1-0": old, "r-1-1-1": []}) as agent:
        with client.stream("GET", "/api/apps/hello/logs?tail=1&follow=1") as answer:
            stream = (json.loads(each["data"]) for each in events(answer.iter_lines()) if "data" in each)
            assert next(stream) == {"replica": "r-1-1-0", "line": old[1]}
            agent.say("r-1-1-0", "2030-01-01T00:00:03Z ç")
            assert next(stream) == {"replica": "r-1-1-0", "line": "2030-01-01T00:00:03Z ç"}
            with api.services.db.write(platform="a test's agent") as session:
                row = session.get_one(Deployment, number)
                release = session.get_one(Release, row.release_id)
                add_replica(session, session.get_one(App, row.app_id), release, row, slot=1)
            agent.say("r-1-1-1", "2030-01-01T00:00:04Z new")
            assert next(stream) == {"replica": "r-1-1-1", "line": "2030-01-01T00:00:04Z new"}
        with client.stream("GET", "/api/apps/hello/logs?replica=r-1-1-0&follow=1") as answer:
            stream = events(answer.iter_lines())
            assert [json.loads(next(stream)["data"])["line"][-1] for _ in range(3)] == ["a", "b", "ç"]
            agent.end("r-1-1-0")
            with api.services.db.write(platform="a test's agent") as session:
                session.get_one(Replica, "r-1-1-0").ended_at = now()
            assert [each["event"] for each in stream] == ["end"]


def test_an_agent_that_restarts_loses_and_repeats_no_line(api: Api, client: httpx.Client, owner: Caller) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    lines = [f"2030-01-01T00:00:0{n}Z {n}" for n in range(4)]
    agent_socket = api.services.settings.agent_socket
    with running_agent(agent_socket, {"r-1-1-0": lines[:2]}):
        answer = client.send(client.build_request("GET", "/api/apps/hello/logs?follow=1"), stream=True)
        stream = (json.loads(each["data"])["line"] for each in events(answer.iter_lines()) if "data" in each)
        assert [next(stream), next(stream)] == lines[:2]
    with running_agent(agent_socket, {"r-1-1-0": lines}):
        assert [next(stream), next(stream)] == lines[2:]
        answer.close()


def test_following_is_bounded_and_leaves_the_api_usable(
    api: Api, server: RouterServer, viewer: Caller, deployment: int
) -> None:
    with server.client(viewer.token) as client:
        address = f"/api/deployments/{deployment}/events"
        streams = [client.send(client.build_request("GET", address), stream=True) for _ in range(32)]
        assert {stream.status_code for stream in streams} == {200}
        refused = client.get(address)
        assert (refused.status_code, refused.json()["code"]) == (503, "too-many-followers")
        assert refused.headers["Retry-After"] == "5"
        assert "without following" in refused.json()["remedy"]
        began = time.monotonic()
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda: answers.append(client.get("/api/apps").status_code)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [200] * 8
        assert time.monotonic() - began < 10
        streams.pop().close()
        _advance(api, deployment, State.FETCHING)  # a server finds out that a client left when it writes
        eventually(lambda: _opens(client, address), what="the place of who left is free")
        for stream in streams:
            stream.close()


def _opens(client: httpx.Client, address: str) -> bool:
    with client.stream("GET", address) as answer:
        return answer.status_code == 200


def test_a_router_that_is_to_end_does_not_wait_for_streams(
    server: RouterServer, viewer: Caller, deployment: int
) -> None:
    with server.client(viewer.token) as client:
        answer = client.send(client.build_request("GET", f"/api/deployments/{deployment}/events"), stream=True)
        stream = events(answer.iter_lines())
        next(stream)
        began = time.monotonic()
        server.terminate()
        assert list(stream) == []
        server.process.wait(timeout=10)
        assert time.monotonic() - began < 9, "graceful_timeout is 10"
