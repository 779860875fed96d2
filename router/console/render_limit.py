"""Pages are rendered a few at a time.

Python runs one thread at a time: ten pages that are rendered side by side are ready as late as ten one after the other,
and each step of any other call waits for all of them. So a page waits until it may be rendered; the API, the edge's
questions and the streams do not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
WAIT_S = 5.0
"""A page that waited for so long is rendered beside the others: one that waits for something itself blocks nobody."""


class RenderLimit:
    """Counts the pages that are rendered in this process, which is the host's only one that serves the console."""

    def __init__(self, at_once: int = AT_ONCE, wait_s: float = WAIT_S) -> None:
        self._free = threading.Semaphore(at_once)
        self._wait_s = wait_s

    @contextmanager
    def place(self) -> Iterator[None]:
        """The block runs when a place is free, or when it has waited long enough."""
        is_held = self._free.acquire(timeout=self._wait_s)
        try:
            yield
        finally:
            if is_held:
                self._free.release()
