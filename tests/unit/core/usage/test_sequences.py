"""Which records count: each once, whatever the order in which they come."""

from __future__ import annotations

import random

import pytest

from slipway.core.usage.sequences import Gap, Sequences


def test_records_in_order_count_once_and_leave_no_gap() -> None:
    found = Sequences()
    assert [found.count(number) for number in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    assert (found.last, found.gaps) == (3, [])


def test_what_is_missing_is_a_gap_until_it_comes() -> None:
    found = Sequences(last=4)
    assert found.count(10)
    assert found.gaps == [Gap(5, 9)]
    assert found.count(7)
    assert found.gaps == [Gap(5, 6), Gap(8, 9)]
    assert not found.count(7)
    assert all(found.count(number) for number in (5, 6, 9, 8))
    assert found.gaps == []


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_and_repeated_ones_count_like_a_set(seed: int) -> None:
    chance = random.Random(seed)
    coming = [chance.randint(1, 60) for _ in range(chance.randint(1, 150))]
    found, seen = Sequences(), set()
    for number in coming:
        assert found.count(number) == (number not in seen)
        seen.add(number)
    missing = {number for gap in found.gaps for number in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, max(seen) + 1)) - seen
