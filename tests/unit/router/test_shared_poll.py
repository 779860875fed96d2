"""Everybody who follows the same thing looks once, together."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field

import pytest

from router.streams.shared_poll import SharedPoll, SharedPolls
from slipway.errors import DependencyUnavailable


@dataclass
class Thing:
    """What is followed, and how often somebody looked."""

    found: list[str] = field(default_factory=lambda: ["queued"])
    looks: int = 0
    broken: bool = False
    at_s: float = 0.0

    def look(self, before: list[str] | None) -> list[str]:
        self.looks += 1
        if self.broken:
            raise DependencyUnavailable("the database does not answer")
        return before if before == self.found else list(self.found)


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture
def poll(thing: Thing) -> SharedPoll[list[str]]:
    return SharedPoll(lambda: thing.at_s)


def test_many_followers_cost_one_look(thing: Thing, poll: SharedPoll[list[str]]) -> None:
    found = [poll.value(thing.look, max_age_s=0.1) for _ in range(20)]
    assert thing.looks == 1
    assert all(each is found[0] for each in found)


def test_what_is_too_old_is_looked_at_again(thing: Thing, poll: SharedPoll[list[str]]) -> None:
    first = poll.value(thing.look, max_age_s=0.1)
    thing.at_s = 0.2
    assert poll.value(thing.look, max_age_s=0.1) is first, "unchanged"
    thing.found, thing.at_s = ["building"], 0.4
    assert poll.value(thing.look, max_age_s=0.1) == ["building"]
    assert thing.looks == 3


def test_an_error_is_shared_and_tried_again_later(thing: Thing, poll: SharedPoll[list[str]]) -> None:
    thing.broken = True
    for _ in range(3):
        with pytest.raises(DependencyUnavailable):
            poll.value(thing.look, max_age_s=0.1)
    assert thing.looks == 1
    thing.broken, thing.at_s = False, 0.2
    assert poll.value(thing.look, max_age_s=0.1) == ["queued"]


def test_a_poll_lasts_as_long_as_somebody_holds_it() -> None:
    polls = SharedPolls[str]()
    held = polls.of((1, 7))
    assert polls.of((1, 7)) is held
    assert polls.of((2, 7)) is not held
    del held
    gc.collect()
    assert len(polls._polls) == 0
