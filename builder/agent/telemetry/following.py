"""Following replicas' output: one reader for each container, however many watch.

A reader waits inside the runtime and can't be called back, so it ends by itself with the first line that nobody is
there to see; at most one for each container waits in vain.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator

from slipway.errors import SlipwayError
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)

BACKLOG = 2_000
"""Lines that a watcher may lag behind; the oldest are dropped then."""


class Watcher:
    """One who follows. `None` in the queue: the output has ended."""

    def __init__(self) -> None:
        self.lines: queue.Queue[bytes | None] = queue.Queue(BACKLOG)

    def give(self, line: bytes | None) -> None:
        while True:
            try:
                self.lines.put_nowait(line)
            except queue.Full:
                try:
                    self.lines.get_nowait()
                except queue.Empty:
                    continue
            else:
                return


class Followers:
    """Hands a container's new lines to all who watch it."""

    def __init__(self, runtime: ContainerRuntime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._watchers: dict[str, set[Watcher]] = {}

    def follow(self, container_id: str, *, tail: int | None) -> tuple[Watcher, Iterator[bytes]]:
        """A watcher of what comes, and the lines so far. A line at the seam may come twice; drop it by its time."""
        watcher = Watcher()
        with self._lock:
            is_first = container_id not in self._watchers
            self._watchers.setdefault(container_id, set()).add(watcher)
        if is_first:
            threading.Thread(target=self._read, args=(container_id,), name="follow", daemon=True).start()
        return watcher, self._runtime.logs(container_id, tail=tail)

    def leave(self, container_id: str, watcher: Watcher) -> None:
        with self._lock:
            self._watchers.get(container_id, set()).discard(watcher)

    def _read(self, container_id: str) -> None:
        try:
            for line in self._runtime.logs(container_id, tail=0, follow=True):
                if not self._give(container_id, line):
                    return
        except SlipwayError as error:
            log.debug("following ended", extra={"container": container_id, "why": error.message})
        finally:
            self._end(container_id)

    def _give(self, container_id: str, line: bytes) -> bool:
        """False: nobody watches any more."""
        with self._lock:
            watchers = list(self._watchers.get(container_id, ()))
            if not watchers:
                self._watchers.pop(container_id, None)
                return False
        for watcher in watchers:
            watcher.give(line)
        return True

    def _end(self, container_id: str) -> None:
        with self._lock:
            left = self._watchers.pop(container_id, set())
        for watcher in left:
            watcher.give(None)
