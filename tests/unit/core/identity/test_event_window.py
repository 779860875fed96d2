"""Events that are read again and again: each is new once, however late and in whichever order it can be read."""

from __future__ import annotations

import random
from typing import Any

import pytest

from slipway.core.identity.event_window import OVERLAP_MS, EventWindow


def event(name: str, at: int) -> dict[str, Any]:
    return {"id": name, "time": at}


def test_two_of_one_millisecond_are_two() -> None:
    first, second = event("a", 100_000), event("b", 100_000)
    window = EventWindow().after([first])
    assert window.fresh([first, second]) == [second]
    assert window.after([first, second]).fresh([first, second]) == []


def test_one_that_is_committed_late_is_found() -> None:
    window = EventWindow().after([event("new", 100_000)])
    late = event("late", 100_000 - OVERLAP_MS)
    assert window.since_ms <= late["time"]
    assert window.fresh([late, event("new", 100_000)]) == [late]


def test_they_come_in_the_order_in_which_they_happened() -> None:
    assert [each["id"] for each in EventWindow().fresh([event("b", 2), event("a", 1)])] == ["a", "b"]


def test_old_ids_are_forgotten() -> None:
    window = EventWindow().after([event("old", 100_000)]).after([event("new", 100_001 + OVERLAP_MS)])
    assert set(window.seen) == {"new"}


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_order_of_commits_each_is_seen_once(seed: int) -> None:
    chance = random.Random(seed)
    written = [event(str(number), 1_000_000 + chance.randrange(0, 200_000)) for number in range(300)]
    readable_at = {each["id"]: each["time"] + chance.randrange(0, OVERLAP_MS) for each in written}
    window, seen = EventWindow(), list[Any]()
    for now in range(1_000_000, 1_000_000 + 200_000 + OVERLAP_MS + 500, 400):
        read = [each for each in written if readable_at[each["id"]] <= now and each["time"] >= window.since_ms]
        seen += window.fresh(read)
        window = window.after(read)
    assert sorted(each["id"] for each in seen) == sorted(each["id"] for each in written)
