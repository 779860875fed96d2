"""One connection to the agent a replica, however many read along; nobody waits for a slow reader."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.streams.events import ReplicaLine
from router.streams.replica_feeds import LostLines, Reader, ReplicaFeeds
from slipway.adapters.agent.client import AgentClient
from slipway.core.access.stream_quota import StreamQuota
from tests.fixtures.services.agent_server import Agent, running_agent
from tests.fixtures.waiting import eventually

REPLICA = "r-1"


def at(second: int) -> str:
    return f"2030-01-01T00:00:{second:02}Z line {second}"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for a unix socket's address."""
    with tempfile.TemporaryDirectory(prefix="slw-", dir="/tmp") as made:
        yield Path(made)


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    with running_agent(folder / "agent.sock", {REPLICA: [at(1), at(2)], "r-2": [], "r-3": []}) as running:
        yield running


@pytest.fixture
def feeds(folder: Path) -> ReplicaFeeds:
    client = AgentClient(folder / "agent.sock", folder / "agent-streams.sock")
    return ReplicaFeeds(client, StreamQuota(total=3, per_tenant=2, guaranteed=1))


def join(feeds: ReplicaFeeds, reader: Reader, replica: str = REPLICA, tenant: int = 1, *, over: bool = False) -> bool:
    joined = feeds.join(reader, tenant, replica, lambda: over)
    feeds.wait_until_open(replica)
    return joined


def received(reader: Reader) -> list[ReplicaLine | LostLines]:
    found: list[ReplicaLine | LostLines] = []
    while items := reader.take(timeout_s=0):
        found += items
    return found


def upto(reader: Reader, last: str) -> list[str]:
    """What comes until that text."""
    texts: list[str] = []
    while not texts or texts[-1] != last:
        items = reader.take(timeout_s=10)
        assert items, f"{last} did not come after {texts}"
        texts += [item.text for item in items if isinstance(item, ReplicaLine)]
    return texts


def test_two_hundred_readers_are_one_stream_of_the_agent(agent: Agent, feeds: ReplicaFeeds) -> None:
    readers = [Reader() for _ in range(200)]
    for reader in readers:
        join(feeds, reader)
    agent.say(REPLICA, at(3))
    for reader in readers:
        assert at(3) in upto(reader, at(3))
    assert agent.followed[REPLICA] == 1


def test_a_reader_that_takes_nothing_loses_lines_learns_how_many_and_keeps_nobody_waiting(
    agent: Agent, feeds: ReplicaFeeds
) -> None:
    slow, quick = Reader(max_bytes=100), Reader()
    join(feeds, quick)
    join(feeds, slow)
    for second in range(10, 30):
        agent.say(REPLICA, at(second))
    assert [text for text in upto(quick, at(29)) if text >= at(10)] == [at(second) for second in range(10, 30)]
    first = received(slow)
    assert sum(item.lines if isinstance(item, LostLines) else item.text >= at(10) for item in first) == 20
    assert isinstance(first[-1], LostLines)
    assert first[-1].replica == REPLICA
    agent.say(REPLICA, at(30))
    assert upto(slow, at(30)) == [at(30)]


def test_a_feed_that_nobody_reads_ends(agent: Agent, feeds: ReplicaFeeds) -> None:
    reader = Reader()
    join(feeds, reader)
    eventually(lambda: agent.followed[REPLICA] == 1)
    feeds.leave(reader)
    eventually(lambda: len(feeds) == 0 and agent.followed[REPLICA] == 0, what="the agent's stream is closed")
    again = Reader()
    join(feeds, again)
    agent.say(REPLICA, at(3))
    assert upto(again, at(3))[-1] == at(3)


def test_what_was_printed_while_the_agent_did_not_run_comes_once(folder: Path, feeds: ReplicaFeeds) -> None:
    reader = Reader()
    with running_agent(folder / "agent.sock", {REPLICA: [at(1)]}) as agent:
        join(feeds, reader)
        agent.say(REPLICA, at(2))
        upto(reader, at(2))
    lines = [at(second) for second in range(1, 60)]
    with running_agent(folder / "agent.sock", {REPLICA: lines}):
        assert upto(reader, lines[-1]) == lines[2:]
        feeds.leave(reader)


def test_a_replica_that_ended_is_read_to_its_end(agent: Agent, feeds: ReplicaFeeds) -> None:
    reader = Reader()
    agent.end(REPLICA)
    join(feeds, reader, over=True)
    eventually(lambda: not feeds.is_read(REPLICA))
    assert [item.text for item in received(reader) if isinstance(item, ReplicaLine)] == [at(2)]


@pytest.mark.usefixtures("agent")
def test_a_tenants_feeds_are_bounded_and_leave_a_reserve(feeds: ReplicaFeeds) -> None:
    reader, other = Reader(), Reader()
    assert join(feeds, reader, REPLICA)
    assert join(feeds, reader, "r-2")
    assert not join(feeds, reader, "r-3")
    assert join(feeds, other, "r-3", tenant=2)
    assert join(feeds, reader, REPLICA), "one that is followed already needs no room"
