"""The counting is killed at every write, before and after it takes effect, and begins again: totals are the edge's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fakes import FakeUsageStream
from tests.integration.agent.crashes import Countdown, Killed, Mortal
from tests.integration.usage.conftest import HOUR_S, Counted

USED = [1, 2, 3, 4, 5, 600, 7000, 80]


class MortalTwice(Mortal):
    """A database whose user is killed before a commit, or after it."""

    @contextmanager
    def write(self, **scope: Any) -> Iterator[Any]:
        with self._inner.write(**scope) as session:
            yield session
            session.flush()
            self._countdown.effect()
        self._countdown.effect()


def test_a_kill_at_any_write_changes_no_total(counted_in_memory: Counted) -> None:
    """One pass counts, seals and expires; it is killed at its first effect, then at its second, and so on, until one
    gets through. What it had read is read again. The stream has duplicates, a late record, and one that is missing."""
    counted = counted_in_memory
    died_at, at = 0, 0
    while True:
        at += 1
        _tell(counted)
        countdown = Countdown()
        countdown.left = at
        try:
            _pass(counted, countdown)
        except Killed:
            died_at = at
        else:
            break
        _pass(counted, Countdown())
        assert counted.totals() == counted.expected(), f"killed at effect {at}"
        counted.now_s += 2 * HOUR_S
    assert counted.totals() == counted.expected()
    assert died_at >= 9, "each write was the last one once"
    assert counted.gaps() == []


def _tell(counted: Counted) -> None:
    shop, blog = counted.shop.id, counted.blog.id
    counted.tell({shop: USED}, {shop: USED, blog: USED, 0: USED})
    counted.tell({blog: USED}, at_s=counted.now_s - 3 * HOUR_S)
    counted.stream.put(*counted.stream.entries[-2:])
    counted.tell({shop: USED})


def _pass(counted: Counted, countdown: Countdown) -> None:
    db: Any = MortalTwice(counted.db, countdown)
    stream: Any = Mortal(counted.stream, countdown, "remove")
    assert isinstance(counted.stream, FakeUsageStream)
    counting = counted.counting(db=db, stream=stream)
    counting.count_records()
    counting.seal()
    counting.expire()
