"""A document of the provider that is fetched now and then, by one thread at a time, and never too often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from slipway.errors import DependencyUnavailable
from slipway.ports.clock import Clock

INTERVAL_S = 10.0
"""After a fetch no other begins for so long, whatever asks for one."""
RETRY_S = 2.0
"""The same after a fetch that failed, while there is nothing to go on with."""
MOST_WAITING = 4
"""Threads that wait for one fetch, with the one that fetches."""
PLACE_TIMEOUT_S = 0.1
"""How long others wait for one of these places: longer than a fetch usually takes."""

Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class Held(Generic[Document]):
    document: Document
    fetched_at: float


class CachedDocument(Generic[Document]):
    """`fetch` raises `DependencyUnavailable` when there is nothing to be had. A document is fetched again once it is
    older than `fresh_s`; while that fails, it is used until it is older than `usable_s`."""

    def __init__(
        self, fetch: Callable[[], Document], *, fresh_s: float, usable_s: float, clock: Clock = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._usable_s = usable_s
        self._clock = clock
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)
        self._held: Held[Document] | None = None
        self._not_before = float("-inf")
        self._failure: DependencyUnavailable | None = None

    def get(self) -> Held[Document]:
        """Raises `DependencyUnavailable` when there is none, and none to be had."""
        held = self._held
        if held is not None and self._age(held) <= self._fresh_s:
            return held
        if held is not None and self._age(held) <= self._usable_s:
            return self._newer_unless_busy(held)
        with self._waiting():
            return self._fetched(held)

    def newer_than(self, held: Held[Document]) -> Held[Document]:
        """One that was fetched after `held`; `held` itself when it is too early for another fetch.

        Raises:
            DependencyUnavailable: the last fetch failed, so that nobody can say what a newer one would hold.
        """
        with self._waiting():
            found = self._fetched(held)
            if found is held and self._failure is not None:
                raise _again(self._failure)
            return found

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Until no other thread fetches. A provider that hangs must not take all threads of the router with it."""
        if not self._places.acquire(timeout=PLACE_TIMEOUT_S):
            raise DependencyUnavailable("The identity provider is being asked, and takes long.", remedy="try again")
        try:
            with self._lock:
                yield
        finally:
            self._places.release()

    def _newer_unless_busy(self, held: Held[Document]) -> Held[Document]:
        """While one thread fetches, the others go on with what is there."""
        if not self._lock.acquire(blocking=False):
            return held
        try:
            return self._fetched(held)
        finally:
            self._lock.release()

    def _fetched(self, held: Held[Document] | None) -> Held[Document]:
        """With the lock held. Another thread may have fetched since `held` was looked at: then it is too early for
        another fetch."""
        now = self._held
        is_usable = now is not None and self._age(now) <= self._usable_s
        if self._clock() >= self._not_before:
            now = self._renewed(is_usable=is_usable)
        if now is None or (now is held and not is_usable):
            raise _again(self._failure or DependencyUnavailable("The identity provider was asked a moment ago."))
        return now

    def _renewed(self, *, is_usable: bool) -> Held[Document] | None:
        try:
            held = Held(self._fetch(), self._clock())
        except DependencyUnavailable as error:
            self._failure = error
            self._not_before = self._clock() + (INTERVAL_S if is_usable else RETRY_S)
            return self._held
        self._failure = None
        self._held, self._not_before = held, held.fetched_at + INTERVAL_S
        return held

    def _age(self, held: Held[Document]) -> float:
        return self._clock() - held.fetched_at


def _again(failure: DependencyUnavailable) -> DependencyUnavailable:
    """The same, to be raised by another thread."""
    return DependencyUnavailable(failure.message, remedy=failure.remedy)
