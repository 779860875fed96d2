"""Replicas' output for everybody who follows it: one connection to the agent for a replica, however many read along.

A feed never waits for a reader. A reader that is slower than the replicas print loses lines, and gets the number of
those. Feeds are bounded like the streams that read them, with a reserve too, so that one tenant's can't take another's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from router.streams.events import ReplicaLine
from slipway.adapters.agent.client import AgentClient
from slipway.core.access.stream_quota import StreamQuota, reached_bound
from slipway.errors import DependencyUnavailable, NotFound

log = logging.getLogger(__name__)

QUOTA = StreamQuota(total=400, per_tenant=100, guaranteed=10)
"""Replicas that are followed at a time."""
OPEN_TIMEOUT_S = 5.0
AGAIN_S = 0.5
"""The pause before a feed that ended is opened again: the replica or the agent may be restarting."""
TOGETHER_S = 0.2
"""Lines that come within so long are sent together: many streams that send each line by itself take a whole CPU."""
WAITING_MAX_BYTES = 512 << 10
"""How much may wait for one reader."""


@dataclass(frozen=True, slots=True)
class LostLines:
    """Lines that came while the reader's queue was full."""

    replica: str
    lines: int


class Reader:
    """The lines that wait for one follower. Feeds fill it, and the follower's own thread empties it."""

    def __init__(self, max_bytes: int = WAITING_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._waiting: deque[ReplicaLine | LostLines] = deque()
        self._bytes = 0
        self._lost: Counter[str] = Counter()
        self._taken_at = 0.0

    def put(self, line: ReplicaLine) -> None:
        """Never waits: a line for which there is no room is counted as lost."""
        with self._changed:
            if self._bytes + len(line.text) > self._max_bytes:
                self._lost[line.replica] += 1
                return
            self._queue_lost()
            self._waiting.append(line)
            self._bytes += len(line.text)
            self._changed.notify()

    def take(self, *, timeout_s: float) -> list[ReplicaLine | LostLines]:
        """All lines that wait, no more often than every `TOGETHER_S`; none when none came in time."""
        time.sleep(max(0.0, self._taken_at + TOGETHER_S - time.monotonic()))
        with self._changed:
            if not self._waiting and not self._lost:
                self._changed.wait(timeout_s)
            self._queue_lost()
            found = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
        self._taken_at = time.monotonic()
        return found

    def _queue_lost(self) -> None:
        self._waiting.extend(LostLines(replica, lines) for replica, lines in self._lost.items())
        self._lost.clear()


class _Feed:
    """One replica's output, and who reads it."""

    def __init__(self, tenant_id: int, replica: str, is_over: Callable[[], bool]) -> None:
        self.tenant_id = tenant_id
        self.replica = replica
        self.is_over = is_over
        self.opened = threading.Event()
        self.readers: set[Reader] = set()
        self.last = ""
        """Time of its last line."""


class ReplicaFeeds:
    """All feeds of this process."""

    def __init__(self, agent: AgentClient, quota: StreamQuota = QUOTA) -> None:
        self._agent = agent
        self._quota = quota
        self._lock = threading.Lock()
        self._feeds: dict[str, _Feed] = {}

    def join(self, reader: Reader, tenant_id: int, replica: str, is_over: Callable[[], bool]) -> bool:
        """`reader` gets each line that the replica prints once its feed is open. False: as many are followed as may be.

        Args:
            is_over: will the replica start no container any more? The feed ends when all was read after that.
        """
        with self._lock:
            feed = self._feeds.get(replica)
            if feed is None:
                if not self._has_room(tenant_id):
                    return False
                feed = self._feeds[replica] = _Feed(tenant_id, replica, is_over)
                threading.Thread(target=self._run, args=(feed,), name="feed", daemon=True).start()
            feed.readers.add(reader)
        return True

    def wait_until_open(self, replica: str) -> None:
        """Wait, but no longer than an agent that works takes."""
        with self._lock:
            feed = self._feeds.get(replica)
        if feed is not None:
            feed.opened.wait(OPEN_TIMEOUT_S)

    def leave(self, reader: Reader) -> None:
        """The reader gets nothing any more. A feed that nobody reads ends with the next thing that the agent sends."""
        with self._lock:
            for feed in self._feeds.values():
                feed.readers.discard(reader)

    def is_read(self, replica: str) -> bool:
        """Can more lines of the replica come?"""
        with self._lock:
            return replica in self._feeds

    def __len__(self) -> int:
        with self._lock:
            return len(self._feeds)

    def _has_room(self, tenant_id: int) -> bool:
        of_tenant = sum(1 for feed in self._feeds.values() if feed.tenant_id == tenant_id)
        return not reached_bound(self._quota, total=len(self._feeds), of_tenant=of_tenant)

    def _run(self, feed: _Feed) -> None:
        pause = threading.Event()
        try:
            while self._readers(feed):
                is_over = feed.is_over()
                if self._read(feed) and is_over:
                    break
                pause.wait(AGAIN_S)
        finally:
            self._end(feed)

    def _read(self, feed: _Feed) -> bool:
        """Read until its container ends or nobody reads the feed any more. False: the agent did not answer."""
        tail = None if feed.opened.is_set() else 1  # readers ask themselves for what was printed before they came
        try:
            with self._agent.follow(feed.replica, tail=tail, after=feed.last) as lines:
                for line in lines:
                    if not self._give(feed, line):
                        return True
        except NotFound:
            feed.opened.set()
        except DependencyUnavailable as error:
            log.debug("a replica's output broke off", extra={"replica": feed.replica, "why": error.message})
            return False
        return True

    def _give(self, feed: _Feed, text: str) -> bool:
        """Hand a line to all readers. False: there are none."""
        feed.opened.set()
        readers = self._readers(feed)
        if text:
            line = ReplicaLine(feed.replica, text)
            feed.last = line.time
            for reader in readers:
                reader.put(line)
        return bool(readers)

    def _readers(self, feed: _Feed) -> list[Reader]:
        """A feed without readers is forgotten under the same lock, so that nobody joins a feed that ends."""
        with self._lock:
            if not feed.readers:
                self._forget(feed)
            return list(feed.readers)

    def _end(self, feed: _Feed) -> None:
        feed.opened.set()
        with self._lock:
            self._forget(feed)

    def _forget(self, feed: _Feed) -> None:
        if self._feeds.get(feed.replica) is feed:
            del self._feeds[feed.replica]
