"""Apps get passes when they are due, each in one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.scheduler import Scheduler
from slipway.errors import DependencyUnavailable
from tests.fixtures.waiting import eventually


@contextmanager
def running(reconcile: Callable[[int], float | None], *, threads: int = 2) -> Iterator[Scheduler]:
    scheduler = Scheduler(DependencyBackoff(), threads=threads)
    scheduler.start(reconcile)
    try:
        yield scheduler
    finally:
        scheduler.stop()


def test_an_app_that_is_woken_gets_one_pass() -> None:
    passes: list[int] = []
    with running(passes.append) as scheduler:
        scheduler.wake(7)
        eventually(lambda: passes == [7], within_s=5)


def test_a_slow_app_delays_no_other() -> None:
    go_on, passes = threading.Event(), []

    def reconcile(app_id: int) -> None:
        if app_id == 1:
            go_on.wait(10)
        passes.append(app_id)

    with running(reconcile) as scheduler:
        scheduler.wake(1)
        scheduler.wake(2)
        eventually(lambda: passes == [2], within_s=5)
        go_on.set()
        eventually(lambda: passes == [2, 1], within_s=5)


def test_an_app_woken_during_its_pass_gets_another_after_it() -> None:
    entered, go_on, at_once, most = threading.Event(), threading.Event(), [0], [0]
    passes: list[int] = []

    def reconcile(app_id: int) -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        entered.set()
        go_on.wait(10)
        at_once[0] -= 1
        passes.append(app_id)

    with running(reconcile, threads=3) as scheduler:
        scheduler.wake(1)
        assert entered.wait(5)
        scheduler.wake(1)
        go_on.set()
        eventually(lambda: passes == [1, 1], within_s=5)
    assert most == [1]


def test_what_a_pass_returns_is_when_the_app_is_due_again() -> None:
    answers: list[float | None] = [0.01, 0.01, None]
    passes: list[int] = []

    def reconcile(app_id: int) -> float | None:
        passes.append(app_id)
        return answers[len(passes) - 1]

    with running(reconcile) as scheduler:
        scheduler.wake(1)
        eventually(lambda: len(passes) == 3, within_s=5)


def test_hurrying_brings_forward_what_is_due_soon_only() -> None:
    passes: list[int] = []
    with running(passes.append) as scheduler:
        scheduler.wake(1, after_s=30)
        scheduler.wake(2, after_s=3600)
        scheduler.hurry(60)
        eventually(lambda: passes == [1], within_s=5)


def test_a_pass_that_finds_a_dependency_unavailable_is_tried_again() -> None:
    passes: list[int] = []

    def reconcile(app_id: int) -> None:
        passes.append(app_id)
        if len(passes) == 1:
            raise DependencyUnavailable("not there")

    with running(reconcile) as scheduler:
        scheduler.wake(1)
        eventually(lambda: passes == [1, 1], within_s=5)


def test_the_back_off_of_an_app_grows_while_another_apps_passes_succeed() -> None:
    """Each pass of app 1 fails, and one of app 2 succeeds before the next."""
    backoff = DependencyBackoff()
    delays: list[float] = []
    failed = backoff.failed

    def recording(what: str, error: DependencyUnavailable, *, by: object = None) -> float:
        delays.append(failed(what, error, by=by))
        return 0.0

    backoff.failed = recording  # type: ignore[method-assign, assignment]
    scheduler = Scheduler(backoff, threads=1)

    def reconcile(app_id: int) -> None:
        if app_id == 1:
            scheduler.wake(2)
            raise DependencyUnavailable("only app 1 needs it")

    scheduler.start(reconcile)
    try:
        scheduler.wake(1)
        eventually(lambda: len(delays) >= 4, within_s=20)
    finally:
        scheduler.stop()
    assert delays[:4] == [0.5, 1, 2, 4]
