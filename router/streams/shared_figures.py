"""What edges count of all that pages show just now: one read of Redis for all of them, however many look."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from router.streams.shared_poll import SharedPoll
from slipway.adapters.redis.edge_counts import Counts, EdgeCounts, Subject

SHARED_S = 0.2
"""How old what another stream found may be."""
EDGES_S = 5.0
"""How long it is remembered which edges there are."""


class SharedFigures:
    def __init__(self, counts: EdgeCounts, edges: Callable[[], Sequence[str]]) -> None:
        self._counts = counts
        self._ask_for_edges = edges
        self._edges: Sequence[str] = ()
        self._edges_until_s = 0.0
        self._lock = threading.Lock()
        self._shown: Counter[Subject] = Counter()
        self._poll: SharedPoll[Mapping[Subject, Counts]] = SharedPoll()

    @contextmanager
    def shown(self, subjects: Sequence[Subject]) -> Iterator[None]:
        """Within it they are looked at."""
        with self._lock:
            self._shown.update(subjects)
        try:
            yield
        finally:
            with self._lock:
                self._shown.subtract(subjects)
                self._shown = +self._shown

    @property
    def shown_now(self) -> int:
        """How many are looked at."""
        with self._lock:
            return len(self._shown)

    def now(self) -> Mapping[Subject, Counts]:
        """What edges report of all that is shown. What did not change since the last call is the same object.

        Raises:
            DependencyUnavailable: SQL or Redis does not answer.
        """
        return self._poll.value(lambda _: self._look(), max_age_s=SHARED_S)

    def edges(self) -> Sequence[str]:
        """Those that are registered, as of some seconds ago."""
        if time.monotonic() >= self._edges_until_s:
            self._edges = self._ask_for_edges()
            self._edges_until_s = time.monotonic() + EDGES_S
        return self._edges

    def _look(self) -> Mapping[Subject, Counts]:
        with self._lock:
            shown = list(self._shown)
        return self._counts.look(self.edges(), shown)
