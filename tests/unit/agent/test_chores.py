"""Slow work: once at a time for each key, and what is away isn't asked again at once."""

from __future__ import annotations

import pytest

from builder.agent.chores import PAUSE_S, SIZES, STOP, Chores
from slipway.errors import DependencyUnavailable
from tests.fixtures.inline import Inline


@pytest.fixture
def executor() -> Inline:
    return Inline()


@pytest.fixture
def ended() -> list[tuple[int, float]]:
    return []


@pytest.fixture
def chores(executor: Inline, ended: list[tuple[int, float]]) -> Chores:
    return Chores(dict.fromkeys(SIZES, executor), lambda app_id, after_s: ended.append((app_id, after_s)))


def test_one_key_is_one_chore_at_a_time(chores: Chores, executor: Inline, ended: list[tuple[int, float]]) -> None:
    executor.held = True
    done: list[int] = []
    assert chores.begin(STOP, "a", 7, lambda: done.append(1))
    assert not chores.begin(STOP, "a", 7, lambda: done.append(2))
    assert chores.busy() == {"a"}
    executor.resume()
    assert (done, ended, chores.busy()) == ([1], [(7, 0.0)], frozenset())
    assert chores.begin(STOP, "a", 7, lambda: done.append(3))


@pytest.mark.parametrize("error", [DependencyUnavailable("away"), ValueError("a defect")])
def test_a_chore_that_failed_pauses(chores: Chores, ended: list[tuple[int, float]], error: Exception) -> None:
    def fails() -> None:
        raise error

    assert chores.begin(STOP, "a", 7, fails)
    assert ended == [(7, PAUSE_S)]
    assert chores.busy() == {"a"}
    assert not chores.begin(STOP, "a", 7, fails)
