"""The table of legal moves."""

from __future__ import annotations

import itertools

import pytest

from slipway.core.deployment.states import ENDED, MOVES, UNFINISHED, WITH_WORKER, Kind, State, move
from slipway.errors import Conflict

WAY = (State.QUEUED, State.FETCHING, State.BUILDING, State.STARTING, State.LIVE, State.RETIRED)
STOPS = (State.FAILED, State.CANCELLED, State.SUPERSEDED, State.SKIPPED)


@pytest.mark.parametrize(("old", "new"), list(itertools.pairwise(WAY)))
def test_a_push_goes_the_whole_way(old: State, new: State) -> None:
    assert move(old, new) is new


def test_what_has_its_image_already_starts_at_once() -> None:
    assert move(State.QUEUED, State.STARTING) is State.STARTING


@pytest.mark.parametrize("old", [State.FETCHING, State.BUILDING])
def test_a_silent_workers_deployment_is_queued_again(old: State) -> None:
    assert move(old, State.QUEUED) is State.QUEUED


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("old", sorted(UNFINISHED))
def test_whatever_is_on_its_way_can_be_stopped(old: State, stop: State) -> None:
    assert move(old, stop) is stop


@pytest.mark.parametrize("stop", sorted(set(STOPS) - {State.FAILED}))
def test_what_serves_can_only_retire_or_give_way(stop: State) -> None:
    with pytest.raises(Conflict, match="is live can't become"):
        move(State.LIVE, stop)


def test_what_gives_way_fails_and_the_one_before_is_live_again() -> None:
    assert move(State.LIVE, State.FAILED) is State.FAILED
    assert move(State.RETIRED, State.LIVE) is State.LIVE


@pytest.mark.parametrize("new", sorted(set(State) - {State.LIVE}))
def test_what_retired_can_only_come_back(new: State) -> None:
    with pytest.raises(Conflict):
        move(State.RETIRED, new)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(STOPS, State)))
def test_what_has_ended_never_moves_again(old: State, new: State) -> None:
    with pytest.raises(Conflict):
        move(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (State.QUEUED, State.LIVE),
        (State.QUEUED, State.BUILDING),
        (State.BUILDING, State.LIVE),
        (State.STARTING, State.QUEUED),
        (State.STARTING, State.BUILDING),
        (State.LIVE, State.STARTING),
    ],
)
def test_no_step_is_skipped_or_taken_back(old: State, new: State) -> None:
    with pytest.raises(Conflict, match=rf"is {old} can't become {new}"):
        move(old, new)


def test_no_state_moves_to_itself() -> None:
    assert not [state for state, targets in MOVES.items() if state in targets]


def test_every_state_has_its_row() -> None:
    assert set(MOVES) == set(State)
    assert set(Kind) == {"push", "manual", "rebuild", "rollback", "configuration", "promotion"}


def test_unfinished_and_ended_share_all_states() -> None:
    assert set(State) == UNFINISHED | ENDED
    assert not UNFINISHED & ENDED
    assert WITH_WORKER < UNFINISHED
    assert State.LIVE in ENDED
