"""Between two samples of a container."""

from __future__ import annotations

from dataclasses import replace

from slipway.core.usage.sampling import Counters, minute_between, used_between

GB = 1 << 30
START_MS = 1_767_225_600_000
FIRST = Counters("c-1", START_MS + 10_000, cpu_us=5_000_000, memory_bytes=GB, network_in_bytes=100, network_out_bytes=7)
SECOND = replace(
    FIRST,
    at_ms=START_MS + 20_000,
    cpu_us=9_000_000,
    memory_bytes=3 * GB,
    memory_limit_bytes=4 * GB,
    network_in_bytes=150,
)


def test_counters_grow_by_what_was_used() -> None:
    assert used_between(FIRST, SECOND, START_MS) == {
        "running_ms": 10_000,
        "cpu_us": 4_000_000,
        "memory_byte_s": 20 * GB,
        "memory_peak_bytes": 3 * GB,
        "memory_limit_byte_s": 40 * GB,
        "network_in_bytes": 50,
    }


def test_a_container_that_follows_another_is_counted_from_its_start() -> None:
    started_ms = START_MS + 14_000
    now = replace(SECOND, container_id="c-2", cpu_us=1_000_000, network_in_bytes=9)
    found = used_between(FIRST, now, started_ms)
    assert (found["running_ms"], found["cpu_us"], found["network_in_bytes"]) == (6_000, 1_000_000, 9)


def test_one_that_started_again_is_counted_from_its_start_though_its_counters_are_larger() -> None:
    found = used_between(FIRST, SECOND, START_MS + 15_000)
    assert (found["running_ms"], found["cpu_us"]) == (5_000, 9_000_000)


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    found = used_between(FIRST, replace(SECOND, at_ms=FIRST.at_ms - 3_600_000), START_MS - 7_200_000)
    assert "running_ms" not in found
    assert found["cpu_us"] == 4_000_000


def test_a_stretch_counts_in_the_minute_that_most_of_it_lies_in() -> None:
    before, after = replace(FIRST, at_ms=START_MS + 50_000), replace(SECOND, at_ms=START_MS + 60_100)
    assert minute_between(before, after, START_MS) == START_MS // 60_000
    assert minute_between(before, replace(after, at_ms=START_MS + 75_000), START_MS) == START_MS // 60_000 + 1
