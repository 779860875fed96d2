"""One reader for each container, however many follow it."""

from __future__ import annotations

import queue
from collections.abc import Iterator

from builder.agent.telemetry.following import BACKLOG, Followers, Watcher
from tests.fakes import FakeRuntime
from tests.fixtures.waiting import eventually


class Talking(FakeRuntime):
    """A container whose lines a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.readers = 0

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[bytes]:  # noqa: ARG002
        if not follow:
            return
        self.readers += 1
        while (line := self.said.get()) is not None:
            yield line
        self.readers -= 1


def test_all_who_follow_get_every_line_from_one_reader() -> None:
    runtime = Talking()
    followers = Followers(runtime)
    watchers = [followers.follow("c", tail=0)[0] for _ in range(3)]
    runtime.said.put(b"1 hello\n")
    assert [watcher.lines.get(timeout=5) for watcher in watchers] == [b"1 hello\n"] * 3
    assert runtime.readers == 1
    runtime.said.put(None)
    assert [watcher.lines.get(timeout=5) for watcher in watchers] == [None] * 3


def test_a_reader_ends_when_nobody_follows_any_more() -> None:
    runtime = Talking()
    followers = Followers(runtime)
    watcher, _ = followers.follow("c", tail=0)
    eventually(lambda: runtime.readers == 1, within_s=5)
    followers.leave("c", watcher)
    runtime.said.put(b"1 for nobody\n")
    eventually(lambda: "c" not in followers._watchers, within_s=5)
    again, _ = followers.follow("c", tail=0)
    runtime.said.put(b"2 hello again\n")
    assert again.lines.get(timeout=5) == b"2 hello again\n"
    runtime.said.put(None)
    assert again.lines.get(timeout=5) is None


def test_who_lags_behind_loses_the_oldest_lines() -> None:
    watcher = Watcher()
    for number in range(BACKLOG + 2):
        watcher.give(b"%d\n" % number)
    assert watcher.lines.get_nowait() == b"2\n"
