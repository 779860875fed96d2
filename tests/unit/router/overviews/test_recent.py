"""What is found once for all who look."""

from __future__ import annotations

import threading

import pytest

from router.usecases.overviews.recent import ENTRIES_MOST, FRESH_MOST_S, FRESH_S, KEPT_S, PAUSE_FACTOR, Recent
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


@pytest.mark.parametrize(("took_s", "fresh_s"), [(1.0, PAUSE_FACTOR * 1.0), (60.0, FRESH_MOST_S)])
def test_what_takes_long_is_found_less_often(took_s: float, fresh_s: float) -> None:
    clock = Clock()
    recent: Recent[float] = Recent(clock)

    def find() -> float:
        clock.now += took_s
        return clock.now

    first = recent.value("a", find)
    clock.now = fresh_s
    assert recent.value("a", find) == first
    assert clock.now == fresh_s, "it is not found beside the answer either"
    clock.now = fresh_s + 1
    eventually(lambda: recent.value("a", find) > first)


def test_what_is_too_old_is_found_before_the_answer() -> None:
    clock = Clock()
    recent: Recent[str] = Recent(clock)
    recent.value("a", lambda: "old")
    clock.now = KEPT_S
    assert recent.value("a", lambda: "new") == "new"


def test_what_takes_longer_than_a_page_waits_is_there_for_who_asks_again() -> None:
    started, go_on = threading.Semaphore(0), threading.Event()
    recent: Recent[str] = Recent(Clock(), wait_s=0.0)

    def find() -> str:
        started.release()
        go_on.wait(10)
        return "found"

    assert [recent.value_soon("a", find) for _ in range(3)] == [None] * 3
    assert started.acquire(timeout=10)
    go_on.set()
    assert recent.value("a", find) == recent.value_soon("a", find) == "found"
    assert not started.acquire(blocking=False), "it is found once for all who wait"


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
