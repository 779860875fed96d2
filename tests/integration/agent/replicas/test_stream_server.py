"""Replicas' output as it comes, over the agent's socket for streams."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from builder.agent.api import stream_server
from slipway.adapters.agent.client import AgentClient
from slipway.errors import DependencyUnavailable, NotFound
from slipway.models import App, Replica
from tests.fakes import FakeContainer
from tests.fixtures.waiting import eventually
from tests.integration.agent.output_rig import (
    calls,
    client_of,
    crash,
    line,
    serving_short_calls,
    serving_streams,
    text,
)
from tests.integration.agent.rig import Rig


@pytest.fixture
def server(rig: Rig) -> Iterator[stream_server.StreamServer]:
    with serving_streams(rig) as serving:
        yield serving


@pytest.fixture
def agent(rig: Rig, server: stream_server.StreamServer) -> AgentClient:
    return client_of(rig)


@contextmanager
def followed(agent: AgentClient, replica: Replica, *, tail: int | None, after: str = "") -> Iterator[Iterator[str]]:
    """The lines without the signs of life."""
    with agent.follow(replica.id, tail=tail, after=after) as lines:
        yield (found for found in lines if found)


def places_taken(server: stream_server.StreamServer) -> int:
    return stream_server.STREAMS_MAX - server.places._value


def test_the_end_of_what_was_printed_then_what_comes_until_it_ends(
    rig: Rig, agent: AgentClient, replica: Replica, container: FakeContainer
) -> None:
    with followed(agent, replica, tail=2) as lines:
        assert [next(lines), next(lines)] == [text(3), text(4)]
        container.output.append(line(5))
        assert next(lines) == text(5)
        rig.runtime.die(str(replica.container_id))
        assert list(lines) == []


@pytest.mark.usefixtures("container")
def test_only_what_was_printed_after_a_time(rig: Rig, agent: AgentClient, replica: Replica) -> None:
    rig.runtime.die(str(replica.container_id))
    with followed(agent, replica, tail=None, after="2026-01-01T00:00:02Z") as lines:
        assert list(lines) == [text(3), text(4)]


def test_a_restart_loses_no_line_of_either_container(
    rig: Rig, agent: AgentClient, replica: Replica, container: FakeContainer
) -> None:
    old = str(replica.container_id)
    rig.runtime.die(old)
    rig.agent.output_store.keep(replica.id, old)
    rig.runtime.remove(old)
    with followed(agent, replica, tail=None, after="2026-01-01T00:00:01Z") as lines:
        assert list(lines) == [text(2), text(3), text(4)], "between the two containers"
    new = rig.runtime.start(container.spec).container_id
    with rig.db.write(platform="as the agent restarts it") as session:
        session.get_one(Replica, replica.id).container_id = new
    rig.runtime.containers[new].output.append(line(9))
    rig.runtime.die(new)
    for tail, expected in ((None, [2, 3, 4, 9]), (1, [9]), (3, [3, 4, 9])):
        with followed(agent, replica, tail=tail, after="2026-01-01T00:00:01Z") as lines:
            assert list(lines) == [text(second) for second in expected]


@pytest.mark.usefixtures("container")
@pytest.mark.parametrize("state", ["ready", "starting"])
def test_how_it_ended_is_said_once_it_is_decided_what_follows(
    rig: Rig, agent: AgentClient, replica: Replica, state: str
) -> None:
    rig.change(replica, state=state)
    ended = crash(rig, replica, second=5)
    with followed(agent, replica, tail=None) as lines:
        assert list(lines) == [text(second) for second in range(5)]
    [app] = rig.all(App)
    rig.settle(app)
    again = rig.replicas(app)[0]
    rig.runtime.containers[str(again.container_id)].output.append(line(7))
    for after, earlier in (("", range(5)), ("2026-01-01T00:00:04Z", range(0))):
        with followed(agent, replica, tail=None, after=after) as lines:
            assert [next(lines) for _ in earlier] == [text(second) for second in earlier]
            assert next(lines).startswith(f"{ended}exit code 1; started again after ")
            assert next(lines) == text(7)


@pytest.mark.usefixtures("container")
def test_the_last_line_of_one_that_waits_to_be_started_again_says_so(
    rig: Rig, agent: AgentClient, replica: Replica
) -> None:
    rig.change(replica, restarts=5)
    with followed(agent, replica, tail=1) as lines:
        assert next(lines) == text(4)
        ended = crash(rig, replica, second=5, exit_code=137, oom=True)
        assert list(lines) == []
    rig.settle(rig.all(App)[0])
    with followed(agent, replica, tail=None, after="2026-01-01T00:00:04Z") as lines:
        [note] = list(lines)
    assert note.startswith(f"{ended}out of memory (512 MB); started again in ")
    with followed(agent, replica, tail=None, after=note.partition(" ")[0]) as lines:
        assert list(lines) == [], "it is not said again"


def test_an_unknown_replica_and_an_engine_that_does_not_answer_are_problems(
    rig: Rig, agent: AgentClient, replica: Replica
) -> None:
    with pytest.raises(NotFound), agent.follow("r-none", tail=1) as _:
        pass
    rig.runtime.go_away()
    with pytest.raises(DependencyUnavailable), agent.follow(replica.id, tail=1) as _:
        pass


@pytest.mark.usefixtures("container")
def test_a_reader_that_is_gone_gives_its_place_back(
    server: stream_server.StreamServer, agent: AgentClient, replica: Replica
) -> None:
    with followed(agent, replica, tail=1) as lines:
        assert next(lines) == text(4)
        assert places_taken(server) == 1
    eventually(lambda: places_taken(server) == 0, what="the next sign of life finds nobody")


def test_a_reader_that_takes_nothing_is_cut_off(
    rig: Rig, server: stream_server.StreamServer, container: FakeContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_server._Stream, "timeout", 0.2)
    container.output.extend(line(9).replace(b"Z 9", b"Z " + b"9" * 60_000) for _ in range(40))
    with socket.socket(socket.AF_UNIX) as stalled:
        stalled.connect(str(rig.settings.agent_streams_socket))
        stalled.sendall(f"GET /replicas/{container.spec.id}/output HTTP/1.0\r\n\r\n".encode())
        eventually(lambda: places_taken(server) == 1)
        eventually(lambda: places_taken(server) == 0, what="its place is free")


@pytest.mark.usefixtures("container")
def test_two_hundred_streams_leave_the_short_calls_their_threads(
    rig: Rig, server: stream_server.StreamServer, agent: AgentClient, replica: Replica
) -> None:
    with serving_short_calls(rig, calls(rig)), ExitStack() as streams:
        for _ in range(200):
            lines = streams.enter_context(followed(agent, replica, tail=1))
            assert next(lines) == text(4)
        assert places_taken(server) == 200
        assert agent.stats(replica.id)["processes"] == 2
        with agent.output(replica.id, tail=1) as found:
            assert list(found) == [text(4)]


@pytest.mark.usefixtures("container")
def test_more_streams_than_may_be_are_refused(
    server: stream_server.StreamServer, agent: AgentClient, replica: Replica
) -> None:
    server.places = threading.BoundedSemaphore(1)
    with followed(agent, replica, tail=1) as lines:
        assert next(lines) == text(4)
        with pytest.raises(DependencyUnavailable), agent.follow(replica.id, tail=1):
            pass
