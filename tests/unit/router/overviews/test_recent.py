"""What is found once for all who look."""

from __future__ import annotations

import threading

import pytest

from router.usecases.overviews.recent import ENTRIES_MOST, FRESH_S, KEPT_S, Recent
from tests.fixtures.waiting import eventually


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_fresh_is_not_found_again() -> None:
    recent: Recent[int] = Recent(Clock())
    found = iter(range(9))
    assert [recent.value("a", lambda: next(found)) for _ in range(3)] == [0, 0, 0]
    assert recent.value("b", lambda: next(found)) == 1


def test_what_is_older_is_answered_at_once_and_found_beside_it_once() -> None:
    clock, looked, go_on = Clock(), threading.Semaphore(0), threading.Event()
    recent: Recent[str] = Recent(clock)
    recent.value("a", lambda: "old")
    clock.now = FRESH_S + 1

    def find() -> str:
        looked.release()
        go_on.wait(10)
        return "new"

    assert [recent.value("a", find) for _ in range(3)] == ["old"] * 3
    assert looked.acquire(timeout=10)
    go_on.set()
    eventually(lambda: recent.value("a", find) == "new")
    assert not looked.acquire(blocking=False)


def test_what_is_too_old_is_found_before_the_answer() -> None:
    clock = Clock()
    recent: Recent[str] = Recent(clock)
    recent.value("a", lambda: "old")
    clock.now = KEPT_S
    assert recent.value("a", lambda: "new") == "new"


def test_what_fails_is_not_kept() -> None:
    recent: Recent[str] = Recent(Clock())
    with pytest.raises(ZeroDivisionError):
        recent.value("a", lambda: str(1 // 0))
    assert recent.value("a", lambda: "found") == "found"


def test_no_more_is_kept_than_has_room() -> None:
    recent: Recent[int] = Recent(Clock())
    for number in range(ENTRIES_MOST + 1):
        recent.value(number, lambda: 1)
    assert recent.value(0, lambda: 2) == 2
    assert recent.value(ENTRIES_MOST, lambda: 2) == 1
