"""Back-off from what does not answer, counted for each that waits."""

from __future__ import annotations

import logging

import pytest

from builder.agent.dependency_backoff import DependencyBackoff
from slipway.errors import DependencyUnavailable

ERROR = DependencyUnavailable("it does not answer")


def test_it_grows_with_each_failure_and_starts_anew_after_a_success() -> None:
    backoff = DependencyBackoff()
    assert [backoff.failed("publish", ERROR) for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    backoff.recovered("publish")
    assert backoff.failed("publish", ERROR) == 0.5


def test_one_apps_success_leaves_anothers_back_off_alone() -> None:
    backoff = DependencyBackoff()
    delays = []
    for _ in range(4):
        delays.append(backoff.failed("pass", ERROR, by=1))
        backoff.recovered("pass", by=2)
    assert delays == [0.5, 1, 2, 4]


def test_it_is_logged_once_when_the_first_fails_and_once_when_the_last_recovers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    backoff = DependencyBackoff()
    for app_id in (1, 2, 1, 2):
        backoff.failed("pass", ERROR, by=app_id)
    assert backoff.now() == {"pass": 2}
    backoff.recovered("pass", by=1)
    assert backoff.now() == {"pass": 2}
    backoff.recovered("pass", by=2)
    backoff.recovered("pass", by=3)
    assert [each.message for each in caplog.records] == ["failed, trying again", "recovered"]
    assert backoff.now() == {}


@pytest.mark.parametrize(("by", "logged"), [(4, {"by": 4}), (None, {})])
def test_the_first_failure_says_by_whom_it_was_noticed(
    caplog: pytest.LogCaptureFixture, by: int | None, logged: dict[str, int]
) -> None:
    DependencyBackoff().failed("pass", ERROR, by=by)
    [record] = caplog.records
    assert {key: value for key, value in vars(record).items() if key == "by"} == logged
