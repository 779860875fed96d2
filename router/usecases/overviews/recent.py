"""What takes long to find and may be some seconds old: found once for all who look."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
FRESH_S, KEPT_S = 10.0, 600.0
"""What is older than the first is found anew, beside the answer; what is older than the second counts as not there."""
PAUSE_FACTOR, FRESH_MOST_S = 30, 120.0
"""What took long to find is fresh for so many times as long: all that looks need is a small part of a processor."""
WAIT_S = 0.05
"""For what is not there, where the caller can say that it comes later."""
ENTRIES_MOST = 256


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    found_at: float
    fresh_s: float


class Recent(Generic[T]):
    """By key, which names the tenant. What fails is not kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, wait_s: float = WAIT_S) -> None:
        self._clock = clock
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._finding: dict[Hashable, Future[T]] = {}

    def value(self, key: Hashable, find: Callable[[], T]) -> T:
        """What is there; else what `find` finds, however long that takes. Raises what `find` does."""
        return self._value(key, find, None)

    def value_soon(self, key: Hashable, find: Callable[[], T]) -> T | None:
        """The same; None: it is not found yet, and is there for who asks a moment later."""
        try:
            return self._value(key, find, self._wait_s)
        except TimeoutError:
            return None

    def _value(self, key: Hashable, find: Callable[[], T], timeout_s: float | None) -> T:
        with self._lock:
            entry = self._entries.get(key)
            age_s = self._clock() - entry.found_at if entry else KEPT_S
            fresh_s = entry.fresh_s if entry else 0.0
            found = None if age_s <= fresh_s else self._finding.get(key) or self._begin(key, find)
        if entry is not None and age_s < KEPT_S:
            return entry.value
        assert found is not None  # noqa: S101  of what is not fresh
        return found.result(timeout_s)

    def _begin(self, key: Hashable, find: Callable[[], T]) -> Future[T]:
        """One thread for each key, however many wait for it."""
        found = self._finding[key] = Future()
        threading.Thread(target=self._find, args=(key, find, found), name="recent", daemon=True).start()
        return found

    def _find(self, key: Hashable, find: Callable[[], T], found: Future[T]) -> None:
        began = self._clock()
        try:
            value = find()
        except Exception as error:
            log.warning("an overview was not found", exc_info=True)
            self._end(key)
            found.set_exception(error)
            return
        took_s = self._clock() - began
        self._end(key, _Entry(value, began, min(max(FRESH_S, PAUSE_FACTOR * took_s), FRESH_MOST_S)))
        found.set_result(value)

    def _end(self, key: Hashable, entry: _Entry[T] | None = None) -> None:
        with self._lock:
            del self._finding[key]
            if entry is not None:
                self._entries[key] = entry
                self._entries.move_to_end(key)
            while len(self._entries) > ENTRIES_MOST:
                self._entries.popitem(last=False)
