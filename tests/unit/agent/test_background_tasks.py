"""Slow work: one task a key at a time, and a failed one is not repeated at once."""

from __future__ import annotations

import pytest

from builder.agent.background_tasks import PAUSE_S, SIZES, STOP, BackgroundTasks
from slipway.errors import DependencyUnavailable
from tests.fixtures.services.inline import Inline


@pytest.fixture
def executor() -> Inline:
    return Inline()


@pytest.fixture
def ended() -> list[tuple[int, float]]:
    return []


@pytest.fixture
def background_tasks(executor: Inline, ended: list[tuple[int, float]]) -> BackgroundTasks:
    return BackgroundTasks(dict.fromkeys(SIZES, executor), lambda app_id, after_s: ended.append((app_id, after_s)))


def test_one_key_is_one_task_at_a_time(
    background_tasks: BackgroundTasks, executor: Inline, ended: list[tuple[int, float]]
) -> None:
    executor.held = True
    done: list[int] = []
    assert background_tasks.begin(STOP, "a", 7, lambda: done.append(1))
    assert not background_tasks.begin(STOP, "a", 7, lambda: done.append(2))
    assert background_tasks.busy() == {"a"}
    executor.resume()
    assert (done, ended, background_tasks.busy()) == ([1], [(7, 0.0)], frozenset())
    assert background_tasks.begin(STOP, "a", 7, lambda: done.append(3))


@pytest.mark.parametrize("error", [DependencyUnavailable("no answer"), ValueError("a defect")])
def test_a_task_that_failed_pauses(
    background_tasks: BackgroundTasks, ended: list[tuple[int, float]], error: Exception
) -> None:
    def fails() -> None:
        raise error

    assert background_tasks.begin(STOP, "a", 7, fails)
    assert ended == [(7, PAUSE_S)]
    assert background_tasks.busy() == {"a"}
    assert not background_tasks.begin(STOP, "a", 7, fails)
