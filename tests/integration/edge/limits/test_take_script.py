"""What the limits' script decides, on a real Redis. throttled-py has another implementation of the same algorithm."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import throttled
from edge_limits import ADDRESS, EDGES, HITS, TOKENS, US, AtOnce, Rate, Script, State
from redis import Redis
from throttled.rate_limiter import per_duration
from throttled.store import MemoryStore

CALLS = Rate(10)
PARALLEL = AtOnce(3)
TOKEN = "5f" * 32


@pytest.fixture
def script(redis_url: str) -> Iterator[Script]:
    with Redis.from_url(redis_url) as client:
        yield Script(client)


@pytest.mark.parametrize("seed", range(12))
def test_it_decides_as_another_implementation_does(script: Script, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """At moments and intervals that floating point numbers hold exactly, since the other one counts in those."""
    chance = random.Random(seed)
    limit = Rate(chance.choice([1, 2, 4, 8, 16]), period_us=chance.choice([1, 2, 4, 8, 64]) * US, by="all")
    interval_us = limit.period_us // limit.most
    began_us = script.now_us
    monkeypatch.setattr(throttled.utils, "now_mono_f", lambda: (script.now_us - began_us) / US + 1000)
    quota = per_duration(timedelta(microseconds=limit.period_us), limit.most, burst=limit.most)
    oracle = throttled.Throttled(key="all", using="gcra", quota=quota, store=MemoryStore())
    for _ in range(150):
        script.now_us += chance.choice([0, 0, 1, 1, 2, 5, 64 * limit.most]) * interval_us // chance.choice([1, 2, 8])
        expected = oracle.limit()
        found = script.take(limit)
        assert found.passes is not expected.limited
        assert found.limits[0].left == (0 if expected.limited else expected.state.remaining)
        if expected.limited:
            assert found.limits[0].reset_us == pytest.approx(expected.state.retry_after * US, abs=1)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_exact_for_every_quota_and_period(script: Script, seed: int) -> None:
    """In integers, with intervals that are no whole number of microseconds: never one request more, and never one less
    than were earned."""
    chance = random.Random(seed)
    most, period_us = chance.randint(1, 997), chance.randint(1, 86_400) * US
    limit, began_us, passed = Rate(most, period_us), script.now_us, 0
    passed += script.allowed(limit, of=most + 5)
    assert passed == most
    for _ in range(100):
        script.now_us += chance.randint(0, 3 * period_us // most)
        passed += script.allowed(limit, of=4)
        assert passed <= most + (script.now_us - began_us) * most // period_us
    reply = script.take(limit)
    while reply.passes:
        reply = script.take(limit)
    script.now_us += reply.limits[0].reset_us - 1
    assert not script.take(limit).passes
    script.now_us += 1
    assert script.take(limit).passes


def test_it_says_what_is_left_and_when_there_is_one_more(script: Script) -> None:
    assert script.take(CALLS).limits[0] == State("passes", 9, 6 * US)
    script.now_us += 2 * US
    assert script.take(CALLS).limits[0] == State("passes", 8, 4 * US)
    assert script.allowed(CALLS, of=100) == 8
    assert script.take(CALLS).limits[0] == State("refuses", 0, 4 * US)
    script.now_us += 4 * US
    assert script.take(CALLS).limits[0] == State("passes", 0, 6 * US)


def test_when_one_refuses_nothing_is_taken_from_the_others(script: Script) -> None:
    wide, narrow, slots = Rate(100, id="1/wide"), Rate(2, id="1/narrow"), AtOnce(50)
    assert script.allowed(wide, narrow, slots, of=10) == 2
    refused = script.take(wide, narrow, slots)
    assert [each.state for each in refused.limits] == ["passes", "refuses", "passes"]
    assert [each.left for each in refused.limits] == [98, 0, 48]


def test_the_strictest_wins_whatever_the_order(script: Script) -> None:
    limits = [Rate(7, id="1/a"), Rate(5, id="1/b"), Rate(6, id="1/c")]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        script.now_us += 3600 * US
        assert script.allowed(*(limits[each] for each in order), of=20) == 5


def test_requests_under_way_are_counted_until_they_are_released(script: Script) -> None:
    taken = [script.take(PARALLEL, request=f"r-{number}") for number in range(5)]
    assert [each.passes for each in taken] == [True, True, True, False, False]
    assert [each.limits[0].left for each in taken] == [2, 1, 0, 0, 0]
    script.client.zrem(f"slipway:limits:state:{PARALLEL.id}:at once {ADDRESS}", "r-1")
    assert script.allowed(PARALLEL, of=3) == 1


def test_a_lease_that_nobody_renews_ends(script: Script) -> None:
    assert script.allowed(PARALLEL, of=5) == 3
    script.now_us += PARALLEL.period_us - 1
    assert script.allowed(PARALLEL, of=5) == 0
    script.now_us += 1
    assert script.allowed(PARALLEL, of=5) == 3


@pytest.mark.parametrize(
    ("by", "first", "second", "shared"),
    [
        ("address", {"address": "192.0.2.1"}, {"address": "192.0.2.2"}, False),
        ("all", {"address": "192.0.2.1"}, {"address": "192.0.2.2"}, True),
        ("caller", {"token": TOKEN}, {"token": TOKEN, "address": "192.0.2.2"}, True),
        ("caller", {"token": TOKEN}, {"token": ""}, False),
        ("address", {"token": TOKEN}, {"token": ""}, True),
        ("caller", {"token": "00" * 32}, {"token": "11" * 32}, True),
    ],
    ids=["two addresses", "all", "a token, anywhere", "a token and none", "an address with a token", "invented tokens"],
)
def test_callers_are_kept_apart(script: Script, by: str, first: dict, second: dict, shared: bool) -> None:
    script.client.hset(TOKENS, TOKEN, "acme|0")
    for limit in (Rate(4, by=by), AtOnce(4, by=by)):
        assert script.allowed(limit, of=6, **first) == 4
        assert script.allowed(limit, of=6, **second) == (0 if shared else 4)


@pytest.mark.parametrize(
    ("row", "is_known"),
    [
        ("acme|0", True),
        ("acme|1800000001", True),
        ("acme|1800000000", False),
        ("other|0", False),
        ("acme", False),
        ("", False),
    ],
)
def test_a_token_is_known_to_its_own_tenant_until_it_expires(script: Script, row: str, is_known: bool) -> None:
    script.client.hset(TOKENS, TOKEN, row)
    assert script.take(CALLS, token=TOKEN).is_known is is_known


def test_a_limit_by_token_does_not_concern_who_has_none(script: Script) -> None:
    limit = Rate(1, by="token")
    assert script.allowed(limit, of=5) == 5
    assert script.take(limit).limits[0] == State("not concerned", 0, 0)
    script.client.hset(TOKENS, TOKEN, "acme|0")
    assert script.allowed(limit, of=5, token=TOKEN) == 1
    assert script.take(limit, token="00" * 32).limits[0].state == "not concerned"


@pytest.mark.parametrize("limit", [Rate(2, by="token"), AtOnce(2, by="token")])
def test_a_limit_by_token_counts_addresses_while_all_tokens_are_lost(script: Script, limit: Rate | AtOnce) -> None:
    assert [script.allowed(limit, of=5, token=TOKEN, address=f"192.0.2.{number}") for number in range(2)] == [2, 2]
    assert not script.take(limit, token=TOKEN).is_known
    script.client.hset(TOKENS, TOKEN, "acme|0")
    assert script.allowed(limit, of=5, token=TOKEN) == 2


@pytest.mark.parametrize("after", [Rate(20), Rate(4), Rate(10, 6 * US), Rate(10, 3600 * US), Rate(40, 3600 * US)])
def test_a_changed_limit_is_in_force_at_once_and_gives_no_fresh_quota(script: Script, after: Rate) -> None:
    """The share that is used stays the same."""
    assert script.allowed(CALLS, of=5) == 5
    assert script.allowed(after, of=100) == after.most // 2
    assert script.allowed(CALLS, of=100) == 0


def test_changing_a_limit_to_and_fro_gives_nothing(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 10
    passed = sum(script.take(limit).passes for limit in [Rate(1000), Rate(3), Rate(7, 86_400 * US), CALLS] * 25)
    assert passed == 0


def test_fewer_at_once_are_in_force_at_once(script: Script) -> None:
    assert script.allowed(AtOnce(5), of=9) == 5
    assert script.take(AtOnce(2)).limits[0] == State("refuses", 0, 0)
    assert script.allowed(AtOnce(6), of=9) == 1


def test_a_limit_that_only_reports_refuses_nobody(script: Script) -> None:
    only_reports = replace(CALLS, most=2, only_reports=True)
    replies = [script.take(only_reports, Rate(4, id="1/real")) for _ in range(5)]
    assert [each.passes for each in replies] == [True] * 4 + [False]
    assert [each.limits[0].state for each in replies] == ["passes"] * 2 + ["would refuse"] * 3
    assert replies[-1].limits[1].state == "refuses"


def test_what_is_kept_of_a_caller_goes_when_it_sent_nothing_for_a_period(script: Script) -> None:
    script.take(CALLS, PARALLEL)
    ages_ms = {key: script.client.pttl(key) for key in script.client.scan_iter("slipway:limits:state:*")}
    assert len(ages_ms) == 3
    assert all(0 < age <= 60_000 for age in ages_ms.values())
    assert ages_ms[f"slipway:limits:state:1/calls:{ADDRESS}".encode()] > 6_000, "it is a new caller once in a period"


def test_a_flood_of_addresses_takes_bounded_room_and_gets_a_bounded_number_through(script: Script) -> None:
    script.callers_apart = 100
    early = "198.51.100.1"
    assert script.allowed(CALLS, of=3, address=early) == 3
    passed = sum(script.take(CALLS, address=f"203.0.113.{number}").passes for number in range(1500))
    assert len(list(script.client.scan_iter("slipway:limits:state:*"))) <= 100 + 256 + 1
    assert passed <= 100 + 256 * CALLS.most
    assert script.allowed(CALLS, of=20, address=early) == 7, "who was there before has a quota of its own"


def test_a_caller_with_a_token_keeps_a_quota_of_its_own_in_a_flood_of_addresses(script: Script) -> None:
    script.callers_apart = 5
    script.client.hset(TOKENS, TOKEN, "acme|0")
    for number in range(20):
        script.take(CALLS, address=f"203.0.113.{number}")
    assert script.allowed(CALLS, of=20, token=TOKEN) == CALLS.most
    assert script.client.exists(f"slipway:limits:state:1/calls:token {TOKEN}")


def test_tokens_are_not_counted_as_new_callers(script: Script) -> None:
    script.client.hset(TOKENS, TOKEN, "acme|0")
    script.take(CALLS, token=TOKEN)
    assert not script.client.exists("slipway:limits:state:1/calls:new")


def test_a_short_lease_does_not_end_a_longer_one(script: Script) -> None:
    assert script.take(AtOnce(3, period_us=600 * US)).passes
    assert script.take(AtOnce(3, period_us=1 * US)).passes
    assert script.client.pttl(f"slipway:limits:state:1/parallel:at once {ADDRESS}") > 500_000


def refusals(script: Script) -> int:
    return sum(sum(dict(script.client.zrange(key, 0, -1, withscores=True)).values()) for key in hits(script))


def hits(script: Script) -> list[bytes]:
    return [*script.client.scan_iter(f"{HITS}:*")]


def test_a_request_that_is_asked_again_is_counted_as_refused_once(script: Script) -> None:
    assert script.allowed(PARALLEL, of=3) == 3
    script.is_asked_again = True
    assert not script.take(PARALLEL).passes
    assert refusals(script) == 0
    script.is_asked_again = False
    assert not script.take(PARALLEL).passes
    assert refusals(script) == 1


def test_what_a_rate_refuses_is_counted_at_the_first_ask(script: Script) -> None:
    script.is_asked_again = True
    assert script.allowed(CALLS, of=12) == 10
    assert refusals(script) == 2


@pytest.mark.parametrize("text", ["", "nonsense", "1 2 3", "-1 2 3 4", "1 2 0 4", "nan 1 1 1"])
def test_a_count_that_can_not_be_read_is_a_limit_that_is_used_up(script: Script, text: str) -> None:
    script.client.set(f"slipway:limits:state:1/calls:{ADDRESS}", text)
    assert script.take(CALLS).limits[0] == State("refuses", 0, 6 * US)
    script.now_us += 6 * US
    assert script.take(CALLS).passes


def test_a_clock_that_is_put_back_keeps_nobody_out_for_longer(script: Script) -> None:
    assert script.allowed(CALLS, of=20) == 10
    script.now_us -= 3600 * US
    assert not script.take(CALLS).passes
    script.now_us += 6 * US
    assert script.allowed(CALLS, of=20) == 1


def test_who_is_refused_most_is_known_whoever_else_is_refused(script: Script) -> None:
    strict = Rate(1, 86_400 * US, by="address")
    for number in range(300):
        script.allowed(strict, of=2, address=f"203.0.113.{number}")
        script.take(strict, address="198.51.100.1")
    (key,) = script.client.scan_iter(f"{HITS}:*")
    assert script.client.zcard(key) == 200
    assert script.client.zrevrange(key, 0, 0) == [b"slipway:limits:state:1/calls|198.51.100.1"]
    assert script.client.pttl(key) > 0


def test_it_says_how_many_edges_there_are(script: Script) -> None:
    assert script.take(CALLS).edges == 0
    script.client.hset(EDGES, mapping={"edge-1": "{}", "edge-2": "{}"})
    assert script.take(CALLS).edges == 2
