from __future__ import annotations

import pytest

from slipway.core.rollout.backoff import delay_s, failures_in_a_row, restart_delay_s


@pytest.mark.parametrize(("failures", "expected"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (10_000, 300)])
def test_each_wait_is_twice_the_one_before_up_to_five_minutes(failures: int, expected: float) -> None:
    assert delay_s(failures) == expected


@pytest.mark.parametrize(("restarts", "expected"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (10_000, 300)])
def test_the_first_restart_comes_at_once(restarts: int, expected: float) -> None:
    assert restart_delay_s(restarts) == expected


@pytest.mark.parametrize(
    ("ready_for_s", "expected"), [(None, 5), (10.0, 5), (600.0, 1)], ids=["never ready", "shortly", "long"]
)
def test_a_long_healthy_time_forgets_earlier_failures(ready_for_s: float | None, expected: int) -> None:
    assert failures_in_a_row(4, ready_for_s) == expected
