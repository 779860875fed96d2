"""Apps are looked at when they are due, each in one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.scheduler import Scheduler
from slipway.errors import DependencyUnavailable
from tests.fixtures.waiting import eventually


@contextmanager
def running(visit: Callable[[int], float | None], *, threads: int = 2) -> Iterator[Scheduler]:
    scheduler = Scheduler(DependencyBackoff(), threads=threads)
    scheduler.start(visit)
    try:
        yield scheduler
    finally:
        scheduler.stop()


def test_an_app_that_is_woken_is_looked_at_once() -> None:
    looked: list[int] = []
    with running(looked.append) as scheduler:
        scheduler.wake(7)
        eventually(lambda: looked == [7], within_s=5)


def test_a_slow_app_delays_no_other() -> None:
    go_on, looked = threading.Event(), []

    def visit(app_id: int) -> None:
        if app_id == 1:
            go_on.wait(10)
        looked.append(app_id)

    with running(visit) as scheduler:
        scheduler.wake(1)
        scheduler.wake(2)
        eventually(lambda: looked == [2], within_s=5)
        go_on.set()
        eventually(lambda: looked == [2, 1], within_s=5)


def test_an_app_woken_while_it_is_looked_at_is_looked_at_again_and_not_beside() -> None:
    entered, go_on, at_once, most = threading.Event(), threading.Event(), [0], [0]
    looked: list[int] = []

    def visit(app_id: int) -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        entered.set()
        go_on.wait(10)
        at_once[0] -= 1
        looked.append(app_id)

    with running(visit, threads=3) as scheduler:
        scheduler.wake(1)
        assert entered.wait(5)
        scheduler.wake(1)
        go_on.set()
        eventually(lambda: looked == [1, 1], within_s=5)
    assert most == [1]


def test_what_the_visit_returns_is_when_it_is_due_again() -> None:
    answers: list[float | None] = [0.01, 0.01, None]
    looked: list[int] = []

    def visit(app_id: int) -> float | None:
        looked.append(app_id)
        return answers[len(looked) - 1]

    with running(visit) as scheduler:
        scheduler.wake(1)
        eventually(lambda: len(looked) == 3, within_s=5)


def test_hurrying_brings_forward_what_is_due_soon_only() -> None:
    looked: list[int] = []
    with running(looked.append) as scheduler:
        scheduler.wake(1, after_s=30)
        scheduler.wake(2, after_s=3600)
        scheduler.hurry(60)
        eventually(lambda: looked == [1], within_s=5)


def test_a_pass_that_finds_something_away_is_tried_again() -> None:
    looked: list[int] = []

    def visit(app_id: int) -> None:
        looked.append(app_id)
        if len(looked) == 1:
            raise DependencyUnavailable("not there")

    with running(visit) as scheduler:
        scheduler.wake(1)
        eventually(lambda: looked == [1, 1], within_s=5)
