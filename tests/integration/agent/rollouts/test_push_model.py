"""Random histories of pushes, deliveries, polling and rollbacks: what is live in the end is what the newest head asks
for, or what somebody chose by hand since. `make soak` plays more of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from slipway.core.deployment.ordering import LiveTree
from slipway.core.deployment.states import UNFINISHED, Kind, State
from tests.unit.core.push.push_model import BROKEN, Body, Platform, Row

pytestmark = pytest.mark.histories

RUNS = 2_000
RUNS_OF_WRONG_RULES = range(10_000, 15_000)
"""Seeds; the first that is found wrong is enough."""
STEPS = 30
MOST_ROUNDS = 400


def played(seed: int, kind: type[Platform] = Platform) -> Platform:
    """A history to its end: every delivery has come or is lost, everybody is idle, heads were compared."""
    chance = random.Random(seed)
    platform = kind(chance)
    for _ in range(STEPS):
        events = [platform.push, platform.deliver, platform.deliver, platform.work, platform.work, platform.work]
        rare = [platform.poll, platform.replay, platform.roll_back, platform.deploy_by_hand]
        rare += [platform.give_way, platform.hold]
        chance.choice([*events, platform.work, platform.roll_out, platform.roll_out, chance.choice(rare)])()
    settle(platform)
    return platform


def settle(platform: Platform) -> None:
    while platform.on_the_way:
        platform.deliver()
        platform.work()
    for _ in range(MOST_ROUNDS):
        while platform.work() or platform.roll_out():
            pass
        if not platform.poll():
            return
    raise AssertionError("comparing heads deploys without end")


def wrong(platform: Platform) -> str:
    """The oracle: why what is live is not what it ought to be; empty when it is."""
    if any(row.state in UNFINISHED for row in platform.rows):
        return "something never ended"
    failed = [row for row in platform.rows if row.state is State.FAILED and row is not platform.gave_way]
    chosen = [(row, pushes) for row, pushes in platform.choices if row.was_live and row not in failed]
    came_live = [row.commit for row in (platform.live, platform.gave_way) if row]
    choice, pushes = chosen[-1] if chosen else (None, 0)
    pushed_since = platform.heads[pushes:] if choice else platform.heads
    if choice and choice.commit in came_live and may_stand(platform, choice, pushes):
        return ""
    if choice and not pushed_since and was_known(platform, choice):
        return f"deployment {choice.sequence}, chosen by hand, does not stand"
    if platform.head.api == BROKEN:
        tried = [row for row in platform.rows if row.commit.api == BROKEN and row.state is State.FAILED]
        return "" if tried else "the head that can't be built was never tried"
    return "" if platform.head.api in {commit.api for commit in came_live} else "live is not what the head asks for"


def may_stand(platform: Platform, choice: Row, pushes: int) -> bool:
    """Nothing was pushed since, or the branch came back to where it had been: that nobody may have noticed."""
    return platform.head in platform.heads[:pushes] or not platform.heads[pushes:]


def was_known(platform: Platform, choice: Row) -> bool:
    """Whoever chose could see where the branch was, and nothing that came in later looks like a push to there."""
    reported = [row for row in platform.rows if row.kind is Kind.PUSH and not row.repeats]
    before = [row for row in reported if row.sequence < choice.sequence]
    seen = [row for row in before if row.state is not State.CANCELLED or row.started]
    heads = [row.commit for row in before if not seen or row.sequence >= seen[-1].sequence]
    later = [row for row in reported if row.sequence > choice.sequence]
    there = [row for row in later if row.commit == platform.head]
    looks_new = any(row.delivered for row in there) or (there and len(there) < len(later))
    return platform.head in heads and not looks_new


def test_what_is_live_in_the_end_is_what_the_newest_head_asks_for() -> None:
    play(range(RUNS))


def play(seeds: Iterable[int]) -> None:
    for seed in seeds:
        platform = played(seed)
        assert not wrong(platform), (seed, wrong(platform), platform.heads, platform.rows)


def test_a_filter_is_worth_having() -> None:
    """Of the pushes that change nothing, most are skipped, though anything may happen in between."""
    ends = [row for seed in range(300) for row in played(seed).rows if row.commit.docs]
    assert sum(row.state is State.SKIPPED for row in ends) > len(ends) / 10


class TrustsTheSender(Platform):
    """Filters by what the sender says lies between its commits, and takes what it ignored for seen."""

    def receive(self, body: Body) -> None:
        self.last_seen = body.after.sha
        unfinished = any(row.state in UNFINISHED for row in self.rows)
        if unfinished or "api/app.py" in body.after.changed(body.before):
            super().receive(body)

    def poll(self) -> bool:
        known = {row.commit.sha for row in self.rows}
        missed = self.last_seen not in (None, self.head.sha) and self.head.sha not in known
        self.last_seen = self.head.sha
        if missed:
            self._add(Kind.PUSH, self.head)
        return missed


class DoesNotLookAgain(Platform):
    """Skips whatever was live a moment ago."""

    def is_still(self, *_: object) -> bool:
        return True


class LetsOlderPushesGoOn(Platform):
    """Skips a push while an older one is about to go live."""

    def supersede_earlier(self, row: Row) -> None: ...


class DoesNotWaitForChoices(Platform):
    """Compares with what is live although somebody has chosen something else before."""

    def live_tree(self, row: Row) -> LiveTree:
        return replace(super().live_tree(row), unsettled=None)


RULES = [
    TrustsTheSender,
    DoesNotLookAgain,
    LetsOlderPushesGoOn,
    DoesNotWaitForChoices,
]


@pytest.mark.parametrize("rules", RULES)
def test_the_oracle_sees_what_goes_wrong_without_each_rule(rules: type[Platform]) -> None:
    assert next(found_wrong(rules), None)


def found_wrong(rules: type[Platform]) -> Iterator[str]:
    for seed in RUNS_OF_WRONG_RULES:
        try:
            found = wrong(played(seed, rules))
        except AssertionError as error:
            found = str(error)
        if found:
            yield found
