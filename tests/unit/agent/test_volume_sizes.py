"""Volumes are measured once for all who ask, and nobody's thread waits long for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from builder.agent.telemetry import volume_sizes
from builder.agent.telemetry.volume_sizes import FRESH_S, VolumeSizes
from slipway.errors import DependencyUnavailable
from tests.fixtures.waiting import eventually


class Runtime:
    """Measures when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def measure(self) -> Mapping[str, int]:
        self.asked += 1
        self.may_answer.wait(timeout=20)
        return {"data": self.asked}


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setattr(volume_sizes, "WAIT_S", 0.01)
    made = Runtime()
    yield made
    made.may_answer.set()


def test_what_was_measured_just_now_is_not_measured_again(runtime: Runtime) -> None:
    now = [0.0]
    sizes = VolumeSizes(runtime.measure, lambda: now[0])
    assert [sizes.now(), sizes.now()] == [{"data": 1}] * 2
    now[0] = FRESH_S
    assert sizes.now() == {"data": 2}


def test_who_asks_meanwhile_gets_what_is_known_and_measures_nothing(runtime: Runtime) -> None:
    now = [0.0]
    sizes = VolumeSizes(runtime.measure, lambda: now[0])
    sizes.now()
    now[0] = FRESH_S
    runtime.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(sizes.now)
        eventually(lambda: runtime.asked == 2)
        assert [sizes.now() for _ in range(5)] == [{"data": 1}] * 5
        runtime.may_answer.set()
        assert under_way.result() == {"data": 2}
    assert runtime.asked == 2


def test_before_anything_is_known_it_is_unavailable(runtime: Runtime) -> None:
    sizes = VolumeSizes(runtime.measure)
    runtime.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(sizes.now)
        eventually(lambda: runtime.asked == 1)
        with pytest.raises(DependencyUnavailable, match="being measured"):
            sizes.now()
        runtime.may_answer.set()
        assert under_way.result() == {"data": 1}


def test_a_measurement_that_fails_is_tried_again(runtime: Runtime) -> None:
    def fail_once() -> Mapping[str, int]:
        runtime.asked += 1
        if runtime.asked == 1:
            raise DependencyUnavailable("no answer")
        return {"data": 9}

    sizes = VolumeSizes(fail_once)
    with pytest.raises(DependencyUnavailable):
        sizes.now()
    assert sizes.now() == {"data": 9}
