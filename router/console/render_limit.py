"""Pages are rendered a few at a time.

Python runs one thread at a time: ten pages that are rendered side by side are ready as late as ten one after the other,
and each step of any other call waits for all of them. So a page waits until it may be rendered; the API, the edge's
questions and the streams do not. Open pages that refresh themselves leave a place to those that somebody waits for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

AT_ONCE = 2
WAIT_S = 30.0
"""A page that waited for so long is rendered beside the others: one that waits for something itself blocks nobody.
Longer than all open consoles together take to refresh themselves."""


class RenderLimit:
    """Counts the pages that are rendered in this process, which is the host's only one that serves the console."""

    def __init__(self, at_once: int = AT_ONCE, wait_s: float = WAIT_S) -> None:
        self._free = threading.Semaphore(at_once)
        self._free_of_refreshes = threading.Semaphore(max(1, at_once - 1))
        self._wait_s = wait_s

    @contextmanager
    def place(self, *, is_refresh: bool = False) -> Iterator[None]:
        """The block runs when a place is free, or when it has waited long enough. `is_refresh`: an open page asks by
        itself, and nobody waits for it."""
        with ExitStack() as held:
            for free in (self._free_of_refreshes, self._free) if is_refresh else (self._free,):
                if free.acquire(timeout=self._wait_s):
                    held.callback(free.release)
            yield
