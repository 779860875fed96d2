"""How long a worker goes on whose heartbeat can't be written: never as long as the agent waits before it requeues the
deployment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from builder.lease import Heartbeat
from slipway.db import DatabaseAway

LAPSE_S = 15.0
INTERVAL_S = 5.0


class Unreachable:
    """A lease that can't be written to: the database is unreachable, and it takes time to find that out."""

    def __init__(self, found_out: Callable[[], None]) -> None:
        self._found_out = found_out

    @contextmanager
    def write(self) -> Iterator[Any]:
        self._found_out()
        raise DatabaseAway("gone")
        yield


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def heartbeat(lease: Unreachable, clock: Clock) -> Heartbeat:
    return Heartbeat(cast(Any, lease), interval_s=INTERVAL_S, lapse_s=LAPSE_S, clock=clock)


def test_the_time_that_a_failing_beat_takes_is_silence() -> None:
    clock = Clock()
    beating = heartbeat(Unreachable(lambda: clock.pass_by(6.0)), clock)
    clock.pass_by(INTERVAL_S)
    beating.beat()
    assert not beating.stopped(), "11 s"
    clock.pass_by(INTERVAL_S)
    assert beating.stopped(), "16 s, though only one beat has failed"
    assert beating.stop is not None
    assert beating.stop.lease_lost


def test_silence_is_noticed_while_a_beat_waits_for_the_database() -> None:
    clock, waits, end = Clock(), threading.Event(), threading.Event()

    def hang() -> None:
        waits.set()
        end.wait(10)

    beating = heartbeat(Unreachable(hang), clock)
    thread = threading.Thread(target=beating.beat)
    thread.start()
    assert waits.wait(10)
    clock.pass_by(LAPSE_S - 0.1)
    assert not beating.stopped()
    clock.pass_by(0.1)
    assert beating.stopped()
    end.set()
    thread.join()
