"""Server-sent events from the router as it runs in production."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from router.streams import framing
from router.streams.events import DeploymentLook
from router.usecases.streams import following, replica_output
from slipway.core.access.stream_quota import StreamQuota
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import App, Deployment, Release, Replica, now
from tests.fixtures.api import Api, Caller
from tests.fixtures.identity.principals import token_of
from tests.fixtures.releases import add_replica, make_live
from tests.fixtures.services.agent_server import running_agent
from tests.fixtures.services.router_server import RouterServer, events, running_router
from tests.fixtures.waiting import eventually

USED = {
    "at": 1_900_000_000.0, "cpus": 0.5, "cpu_s": 1.0, "cpus_limit": 1.0, "throttled_s": 0.0, "memory_bytes": 1,
    "memory_limit_bytes": 2, "processes": 2, "processes_limit": 3,
}  # fmt: skip


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


def test_what_has_ended_is_reported_once(api: Api, client: httpx.Client, owner: Caller, deployment: int) -> None:
    owner.post(f"/api/deployments/{deployment}/cancel")
    with client.stream("GET", f"/api/deployments/{deployment}/events") as answer:
        assert [json.loads(each["data"])["state"] for each in events(answer.iter_lines())] == ["cancelled"]


def remove_app(api: Api) -> None:
    """As the agent does once an app that was deleted has ended: its rows go with it."""
    with api.services.db.write(platform="a test's agent") as session:
        session.delete(session.scalars(select(App)).one())


@pytest.mark.parametrize("what", ["events", "log?follow=true"])
def test_a_stream_of_a_deployment_ends_when_its_app_is_removed(
    api: Api, client: httpx.Client, deployment: int, what: str
) -> None:
    api.services.log.append(deployment, "one line")
    with client.stream("GET", f"/api/deployments/{deployment}/{what}") as answer:
        stream = events(answer.iter_lines())
        first = next(stream)
        remove_app(api)
        api.services.log.remove(deployment)
        assert [each["event"] for each in (first, *stream)] == ["line" if "log" in what else "state", "end"]


@pytest.mark.parametrize("query", ["follow=1", "follow=1&replica=r-1-1-0"])
def test_a_stream_of_output_ends_when_its_app_is_removed(
    api: Api, client: httpx.Client, owner: Caller, query: str
) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    with (
        running_agent(api.services.settings.agent_socket, {"r-1-1-0": ["2030-01-01T00:00:01Z a"]}) as agent,
        client.stream("GET", f"/api/apps/hello/logs?{query}") as answer,
    ):
        stream = events(answer.iter_lines())
        first = next(stream)
        remove_app(api)
        agent.end("r-1-1-0")
        assert [each["event"] for each in (first, *stream)] == ["line", "end"]


def test_a_quiet_stream_gives_signs_of_life(
    api: Api, viewer: Caller, deployment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framing, "HEARTBEAT_S", 0.05)
    answer = viewer.call("GET", f"/api/deployments/{deployment}/events")
    chunks = iter(answer.response)
    assert b"event: state" in next(chunks)  # type: ignore[arg-type]
    assert next(chunks).startswith(b":")  # type: ignore[union-attr]
    answer.close()


def test_everybody_who_follows_a_deployment_shares_one_look_at_it(
    api: Api, deployment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look = list[int](), following._look

    def counting(*arguments: Any) -> DeploymentLook:
        looks.append(deployment)
        return look(*arguments)

    monkeypatch.setattr(following, "_look", counting)
    monkeypatch.setattr(following, "SHARED_S", 600)
    who = token_of(api.tenant_id())
    streams = [following.deployment_events(api.services, who, deployment) for _ in range(5)]
    first = [next(stream) for stream in streams]
    assert looks == [deployment]
    assert {event.deployment.state for [event] in first} == {"queued"}  # type: ignore[union-attr]
    for stream in streams:
        stream.close()


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


def test_a_viewer_gets_half_of_its_tenants_streams_and_is_refused_the_others(
    api: Api, server: RouterServer, owner: Caller, viewer: Caller, stranger: Caller, deployment: int
) -> None:
    make_live(api.services.db, "hello", ready=3)
    stranger.create_app("theirs")
    make_live(api.services.db, "theirs", ready=1)
    with api.services.db.read(platform="a test looks") as session:
        query = select(Replica.id, App.name).join(App, App.id == Replica.app_id)
        ids = {row.id: row.name for row in session.execute(query)}
    (theirs,) = (each for each, app in ids.items() if app == "theirs")
    said = "2030-01-01T00:00:01Z one"
    with (
        running_agent(api.services.settings.agent_socket, {each: [said] for each in ids}) as agent,
        server.client(viewer.token) as client,
        server.client(owner.token) as colleague,
        server.client(stranger.token) as other,
    ):
        agent.stats[theirs] = USED
        addresses = ["/api/apps/hello/logs?follow=1", f"/api/deployments/{deployment}/events"] * 20
        streams = [client.send(client.build_request("GET", address), stream=True) for address in addresses[:10]]
        assert [stream.status_code for stream in streams] == [200] * 10, "half of what the tenant may have"
        refused = [client.get(address) for address in addresses[10:]]
        assert {(each.status_code, each.json()["code"]) for each in refused} == {(429, "too-many-streams")}
        assert "without following" in refused[0].json()["remedy"]
        assert refused[0].headers["Retry-After"] == "5"
        assert _opens(colleague, "/api/apps/hello/logs?follow=1")
        assert {other.get("/api/apps/theirs/logs").text} == {f"{theirs} {said}\n"}
        assert other.get(f"/api/containers/{theirs}/stats").json()["processes"] == 2
        assert _opens(other, "/api/apps/theirs/logs?follow=1")
        first = next(iter(events(streams[0].iter_lines())))
        assert json.loads(first["data"])["line"] == said
        eventually(lambda: [agent.followed[each] for each in ids if each != theirs] == [1] * 3, what="one a replica")
        for stream in streams:
            stream.close()
        eventually(lambda: not any(agent.followed.values()), what="nobody reads, so nothing is followed")
        eventually(lambda: _opens(client, "/api/apps/hello/logs?follow=1"), what="the places are free")


def test_a_client_that_comes_back_gets_what_it_missed(api: Api, viewer: Caller, owner: Caller) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    lines = [f"2030-01-01T00:{n // 60:02}:{n % 60:02}.000000001Z {n}" for n in range(1200)]
    with running_agent(api.services.settings.agent_socket, {"r-1-1-0": lines[:100]}) as agent:
        with followed(viewer, "/api/apps/hello/logs?follow=1&tail=1") as stream:
            last = next(stream)
        for line in lines[100:]:
            agent.say("r-1-1-0", line)
        with followed(viewer, "/api/apps/hello/logs?follow=1", Last_Event_ID=last["id"]) as stream:
            again = [json.loads(next(stream)["data"])["line"] for _ in range(1106)]
    assert last["id"] == "2030-01-01T00:01:39.000000001Z"
    assert again == lines[94:], "the last seconds once more, then all that it missed"


def test_a_replica_that_comes_later_is_read_from_its_first_line(api: Api, viewer: Caller, owner: Caller) -> None:
    owner.create_app()
    number = make_live(api.services.db, "hello", ready=1)
    burst = [f"2030-01-01T00:00:01.{n:09}Z {n}" for n in range(300)]
    with (
        running_agent(api.services.settings.agent_socket, {"r-1-1-0": [], "r-1-1-1": burst}) as agent,
        followed(viewer, "/api/apps/hello/logs?follow=1&tail=100") as stream,
    ):
        agent.say("r-1-1-0", "2030-01-01T00:00:00Z here")
        assert json.loads(next(stream)["data"])["replica"] == "r-1-1-0"
        with api.services.db.write(platform="a test's agent") as session:
            row = session.get_one(Deployment, number)
            release = session.get_one(Release, row.release_id)
            add_replica(session, session.get_one(App, row.app_id), release, row, slot=1)
            session.flush()
            session.get_one(Replica, "r-1-1-1").ended_at = now()
        assert [json.loads(next(stream)["data"])["line"] for _ in range(300)] == burst


def test_lines_are_ended_by_newlines_alone(api: Api, viewer: Caller, owner: Caller) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    line = "2030-01-01T00:00:01Z 10%\r100% \u2028 \x0b"
    with running_agent(api.services.settings.agent_socket, {"r-1-1-0": [line]}):
        assert viewer.call("GET", "/api/apps/hello/logs").text == f"r-1-1-0 {line}\n"
        with followed(viewer, "/api/apps/hello/logs?follow=1") as stream:
            assert json.loads(next(stream)["data"])["line"] == line


def test_what_is_missing_is_said(api: Api, viewer: Caller, owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", ready=2)
    monkeypatch.setattr(replica_output, "MISSED_MAX_CHARS", 100)
    monkeypatch.setattr(api.services.feeds, "_quota", StreamQuota(total=4, per_tenant=1))
    lines = [f"2030-01-01T00:00:0{n}Z {n}" for n in range(9)]
    with (
        running_agent(api.services.settings.agent_socket, {"r-1-1-0": lines, "r-1-1-1": []}),
        followed(viewer, "/api/apps/hello/logs?follow=1") as stream,
    ):
        not_followed, left_out, first = (next(stream) for _ in range(3))
    assert (not_followed["event"], left_out["event"], first["event"]) == ("notice", "notice", "line")
    assert json.loads(not_followed["data"])["replica"] == "r-1-1-1"
    assert "left out" in json.loads(left_out["data"])["text"]
    assert json.loads(first["data"])["line"] == lines[5]


@contextmanager
def followed(viewer: Caller, path: str, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """A stream's events, without a server between."""
    answer = viewer.call("GET", path, **headers)
    assert answer.status_code == 200, answer.text
    chunks = (chunk.decode() if isinstance(chunk, bytes) else chunk for chunk in answer.response)
    try:
        yield events(line for chunk in chunks for line in chunk.split("\n")[:-1])
    finally:
        answer.close()


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
        server.process.wait(10)
        assert time.monotonic() - began < 9, "graceful_timeout is 10"
