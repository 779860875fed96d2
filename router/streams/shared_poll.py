"""One look for everybody who follows the same thing, however many they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class SharedPoll(Generic[T]):
    """What was found last, for as long as somebody follows it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at: float | None = None
        self._found: T | None = None
        self._error: Exception | None = None

    def value(self, look: Callable[[T | None], T], *, max_age_s: float) -> T:
        """What is there, as of `max_age_s` ago at most. `look` gets what was found last, and gives it back when it is
        still so. An error is shared like a value, so that nobody waits for the same one again."""
        with self._lock:
            if self._looked_at is None or self._clock() - self._looked_at > max_age_s:
                self._look(look)
            if self._error is not None:
                raise self._error
            return self._found  # type: ignore[return-value]

    def _look(self, look: Callable[[T | None], T]) -> None:
        try:
            self._found, self._error = look(self._found), None
        except Exception as error:  # noqa: BLE001  raised to everybody who asks
            self._error = error
        self._looked_at = self._clock()


class SharedPolls(Generic[T]):
    """The polls that somebody holds, by what is followed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polls: WeakValueDictionary[Hashable, SharedPoll[T]] = WeakValueDictionary()

    def of(self, key: Hashable) -> SharedPoll[T]:
        """The caller holds it while it follows."""
        with self._lock:
            poll = self._polls.get(key)
            if poll is None:
                poll = self._polls[key] = SharedPoll()
            return poll
