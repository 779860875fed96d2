"""What takes long to find and may be some seconds old: found once for all who look."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
FRESH_S, KEPT_S = 10.0, 600.0
"""What is older than the first is found anew, beside the answer; what is older than the second before it."""
ENTRIES_MOST = 256


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    found_at: float


class Recent(Generic[T]):
    """By key, which names the tenant. What fails is not kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._finding: set[Hashable] = set()

    def value(self, key: Hashable, find: Callable[[], T]) -> T:
        with self._lock:
            entry = self._entries.get(key)
            age_s = self._clock() - entry.found_at if entry else KEPT_S
            refreshes = FRESH_S < age_s < KEPT_S and key not in self._finding
            if refreshes:
                self._finding.add(key)
        if entry is None or age_s >= KEPT_S:
            return self._find(key, find)
        if refreshes:
            threading.Thread(target=self._refresh, args=(key, find), name="recent", daemon=True).start()
        return entry.value

    def _find(self, key: Hashable, find: Callable[[], T]) -> T:
        began = self._clock()
        value = find()
        with self._lock:
            self._entries[key] = _Entry(value, began)
            self._entries.move_to_end(key)
            while len(self._entries) > ENTRIES_MOST:
                self._entries.popitem(last=False)
        return value

    def _refresh(self, key: Hashable, find: Callable[[], T]) -> None:
        try:
            self._find(key, find)
        except Exception:
            log.warning("an overview could not be refreshed", exc_info=True)
        finally:
            with self._lock:
                self._finding.discard(key)
