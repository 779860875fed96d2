"""Portions of limits in Redis: what is reserved for a worker, what it used, and what others may have meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from edge_limits import ADDRESS, PORTION_US, US, Asked, Rate, Reserved, Script
from redis import Redis

CALLS = Rate(100, 3600 * US)
KEY = f"slipway:limits:state:{CALLS.id}:{ADDRESS}"


@pytest.fixture
def script(redis_url: str) -> Iterator[Script]:
    with Redis.from_url(redis_url) as client:
        yield Script(client)


@dataclass
class Worker:
    """As portions.lua does: what it was given, less what it used."""

    script: Script
    limits: tuple[Rate, ...]
    id: str = "edge-1/1.1/1"
    unused: int = 0
    used: int = 0

    def asks(self, wanted: int | None) -> Reserved:
        """None: for nothing more, and it gives up the rest."""
        kept = self.unused if wanted is not None else 0
        reply = self.script.reserve(self.id, self.used, self.used + self.unused, wanted, *self.limits)
        self.unused = reply.added + (0 if reply.is_lost else kept)
        self.used = 0
        return reply

    def uses(self, requests: int) -> int:
        count = min(requests, self.unused)
        self.unused -= count
        self.used += count
        return count


def test_what_is_reserved_is_left_to_nobody_else_and_what_is_unused_is_given_back(script: Script) -> None:
    assert script.take(CALLS).passes
    worker = Worker(script, (CALLS,))
    assert worker.asks(12).added == 12
    assert script.take(CALLS).limits[0].left == 100 - 2 - 12
    assert worker.uses(5) == 5
    assert worker.asks(None).left == (100 - 2 - 5,)
    assert script.take(CALLS).limits[0].left == 100 - 3 - 5


def test_little_is_reserved_where_little_is_left(script: Script) -> None:
    assert Worker(script, (CALLS,)).asks(50).added == 0, "nothing is known of the caller: it may share a key"
    assert script.allowed(CALLS, of=36) == 36
    first, second = Worker(script, (CALLS,), "a"), Worker(script, (CALLS,), "b")
    assert (first.asks(50).added, second.asks(50).added) == (8, 7)
    assert script.allowed(CALLS, of=42) == 42
    assert Worker(script, (CALLS,), "c").asks(50).added == 0


def test_the_strictest_limit_says_how_much_and_all_are_reserved(script: Script) -> None:
    limits = (CALLS, Rate(1000, 3600 * US, id="1/wide"))
    script.take(*limits)
    worker = Worker(script, limits)
    assert worker.asks(500).left == (99 - 12, 999 - 12)
    worker.uses(10)
    assert worker.asks(None).left == (89, 989)


def test_a_request_is_not_refused_for_what_others_may_not_use(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 20
    worker = Worker(script, (CALLS,))
    assert worker.asks(10).added == 10
    assert script.allowed(CALLS, of=70) == 70
    script.is_asked_again = True
    in_doubt = script.take(CALLS)
    assert (in_doubt.passes, in_doubt.is_in_doubt, in_doubt.limits[0].left) == (False, True, 0)
    assert not [*script.client.scan_iter("slipway:limits:hits:*")], "it is counted as refused by the last answer only"
    assert worker.uses(7) == 7
    worker.asks(None)
    assert script.allowed(CALLS, of=5) == 3
    assert not script.take(CALLS).is_in_doubt


def test_what_is_used_up_without_the_portions_is_refused_at_once(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 20
    Worker(script, (CALLS,)).asks(10)
    script.is_asked_again = True
    other = Rate(5, 3600 * US, id="1/other")
    assert script.allowed(CALLS, other, of=6) == 5
    assert not script.take(CALLS, other).is_in_doubt


def test_a_portion_whose_worker_says_nothing_more_counts_as_used(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 20
    worker = Worker(script, (CALLS,))
    assert worker.asks(10).added == 10
    script.now_us += PORTION_US
    script.is_asked_again = True
    assert script.allowed(CALLS, of=100) == 70
    assert not script.take(CALLS).is_in_doubt


def test_a_worker_that_comes_too_late_has_nothing_and_nothing_is_counted_twice(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 20
    worker = Worker(script, (CALLS,))
    worker.asks(10)
    worker.uses(4)
    script.now_us += PORTION_US
    reply = worker.asks(5)
    assert (reply.is_lost, reply.added, reply.left) == (True, 5, (65,))
    assert worker.asks(None).left == (70,)


def test_after_redis_was_emptied_what_was_used_counts_and_the_rest_is_void(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 20
    worker = Worker(script, (CALLS,))
    worker.asks(10)
    worker.uses(4)
    script.client.flushdb()
    reply = worker.asks(5)
    assert (reply.is_lost, reply.added, worker.unused) == (True, 0, 0)
    assert script.take(CALLS).limits[0].left == 100 - 4 - 1


def test_giving_back_twice_gives_back_once(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 20
    worker = Worker(script, (CALLS,))
    worker.asks(10)
    for _ in range(3):
        assert script.reserve(worker.id, 3, 10, None, CALLS).left == (77,)


@pytest.mark.parametrize("after", [Rate(200, 3600 * US), Rate(50, 3600 * US), Rate(100, 60 * US), Rate(7, 86_400 * US)])
def test_a_changed_limit_keeps_the_used_share_of_a_portion(script: Script, after: Rate) -> None:
    assert script.allowed(CALLS, of=20) == 20
    worker = Worker(script, (CALLS,))
    assert worker.asks(10).added == 10
    before = script.take(CALLS).limits[0].left
    assert (before, script.take(after).limits[0].left) == (69, int(after.most * 69 / 100 - 1))
    worker.uses(10)
    worker.asks(None)
    assert script.take(after).limits[0].left <= int(after.most * 69 / 100 - 1)


@pytest.mark.parametrize("text", ["|", "|a", "|a 1", "|a 1 2 3", "|a 1 x", "x|a 1 2", "|a 1 2|"])
def test_portions_that_can_not_be_read_are_a_limit_that_is_used_up(script: Script, text: str) -> None:
    script.client.set(KEY, f"0 {script.now_us} {CALLS.most} {CALLS.period_us}{text}")
    assert not script.take(CALLS).passes
    assert Worker(script, (CALLS,)).asks(5).added == 0


def test_a_clock_that_is_put_back_does_not_make_a_portion_last_longer(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 20
    Worker(script, (CALLS,)).asks(10)
    script.now_us -= 3600 * US
    assert script.take(CALLS).passes
    script.now_us += PORTION_US
    assert not script.take(CALLS).is_in_doubt
    assert script.allowed(CALLS, of=100) == 68


def test_a_caller_has_a_bounded_number_of_portions(script: Script) -> None:
    wide = replace(CALLS, most=100_000)
    script.take(wide)
    workers = [Worker(script, (wide,), f"edge/{number}") for number in range(30)]
    assert sum(each.asks(1).added for each in workers) == 16
    assert workers[3].asks(1).added == 1


@pytest.mark.parametrize("seed", range(3))
def test_never_more_than_the_limit_and_all_of_it(script: Script, seed: int) -> None:
    """Whatever workers do: some are killed, come late, or give back; others count one by one."""
    chance = random.Random(seed)
    limits = (
        Rate(chance.randint(50, 997), chance.choice([60, 600, 3600]) * US),  # Redis' own clock ends keys sooner
        Rate(chance.randint(50, 997), chance.choice([60, 600, 3600]) * US, id="1/other"),
    )
    began_us, passed, workers = script.now_us, script.allowed(*limits, of=1), []
    for step in range(250):
        script.now_us += chance.choice([0, 0, 1000, 40_000, 300_000, 5_000_000])
        if len(workers) < 5:
            workers.append(Worker(script, limits, f"edge/{step}"))
        worker = chance.choice(workers)
        match chance.choice(["uses", "uses", "asks", "ends", "alone", "dies"]):
            case "uses":
                passed += worker.uses(chance.randint(0, 30))
            case "asks":
                worker.asks(chance.randint(0, 60))
            case "ends":
                worker.asks(None)
            case "alone":
                passed += script.allowed(*limits, of=chance.randint(0, 12))
            case "dies":
                workers.remove(worker)
        for limit in limits:
            earned = (script.now_us - began_us) * limit.most // limit.period_us
            assert passed <= limit.most + earned
    for worker in workers:
        passed += worker.uses(worker.unused)
        worker.asks(None)
    script.now_us += 2 * 3600 * US
    assert script.allowed(*limits, of=1000) == min(limit.most for limit in limits)


@pytest.mark.parametrize("seed", range(2))
def test_nobody_is_refused_for_good_while_some_is_unused(script: Script, seed: int) -> None:
    """Within one moment: all of the limit is used, however it was reserved meanwhile."""
    chance = random.Random(seed)
    limit = Rate(chance.randint(100, 900), 86_400 * US)
    script.is_asked_again = True
    passed = script.allowed(limit, of=1)
    workers = [Worker(script, (limit,), f"edge/{number}") for number in range(4)]
    refused_for_good = 0
    while refused_for_good < 20:
        worker = chance.choice(workers)
        passed += worker.uses(chance.randint(0, 5))
        worker.asks(chance.choice([None, chance.randint(1, 40)]))
        reply = script.take(limit)
        passed += reply.passes
        refused_for_good += not reply.passes and not reply.is_in_doubt
        assert reply.passes or reply.is_in_doubt or passed == limit.most
    assert passed == limit.most


def test_portions_that_are_asked_for_together_get_what_each_would_get_alone(script: Script) -> None:
    """Of callers with other limits, other numbers of them, and one whose portion was lost."""
    minute, day = Rate(100, 60 * US, id="1/minute"), Rate(800, 86400 * US, id="1/day")
    callers = {"192.0.2.7": (minute, day), "192.0.2.8": (day,), "192.0.2.9": (minute,)}
    for address, limits in callers.items():
        assert script.take(*limits, address=address).passes
    first = [Asked(f"edge-1/1.1/{address}", 0, 0, 5, limits, address) for address, limits in callers.items()]
    assert script.reserve_all(*first) == [
        Reserved(5, is_lost=False, left=(94, 794)),
        Reserved(5, is_lost=False, left=(794,)),
        Reserved(5, is_lost=False, left=(94,)),
    ]
    script.client.delete(f"slipway:limits:state:{day.id}:192.0.2.8")
    again = [replace(first[0], used=5, held=5, wanted=2), replace(first[1], used=1, held=5, wanted=2)]
    again += [replace(first[2], used=3, held=5, wanted=None)]
    assert script.reserve_all(*again) == [
        Reserved(2, is_lost=False, left=(92, 792)),
        Reserved(0, is_lost=True, left=(799,)),
        Reserved(0, is_lost=False, left=(96,)),
    ]
