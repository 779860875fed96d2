"""Which deployment may go live after which."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from slipway.core.deployment.ordering import (
    CHANGES_NOTHING,
    Candidate,
    GaveWay,
    LiveImage,
    LiveTree,
    ManualOverride,
    cancelled_by_rollback,
    changes_nothing,
    failed_before,
    is_comparable,
    is_redundant,
    is_stale_redelivery,
    may_switch,
    must_refreeze,
    next_to_start,
    push_is_stale,
    superseded_by_skip,
    unsettled_choice,
)
from slipway.core.deployment.states import UNFINISHED, Kind, State

A, B = "a" * 40, "b" * 40


def candidate(
    number: int,
    kind: Kind = Kind.PUSH,
    state: State = State.STARTING,
    *,
    image: int | None = None,
    frozen: bool = False,
) -> Candidate:
    return Candidate(number, number, number if image is None else image, kind, state, frozen)


def live(number: int, kind: Kind = Kind.PUSH, *, image: int | None = None) -> Candidate:
    return candidate(number, kind, State.LIVE, image=image)


def test_the_first_deployment_goes_live() -> None:
    assert may_switch(candidate(1), None).goes_on


def test_a_newer_push_replaces_an_older() -> None:
    assert may_switch(candidate(2), live(1)).goes_on


def test_an_older_push_never_replaces_a_newer() -> None:
    verdict = may_switch(candidate(1), live(2))
    assert (verdict.goes_on, verdict.end) == (False, State.SUPERSEDED)
    assert "deployment (2) is live" in verdict.why


def test_a_push_from_before_a_rollback_is_cancelled() -> None:
    verdict = may_switch(candidate(2), live(3, Kind.ROLLBACK))
    assert (verdict.goes_on, verdict.end) == (False, State.CANCELLED)
    assert "rollback" in verdict.why


def test_a_push_from_after_a_rollback_goes_live() -> None:
    assert may_switch(candidate(4), live(3, Kind.ROLLBACK)).goes_on


def test_a_configuration_change_that_overtook_a_build_does_not_lose_the_push() -> None:
    # push 2 builds while configuration change 3 keeps image 1: the push comes later, with a newer image
    assert may_switch(candidate(2), live(3, Kind.CONFIGURATION, image=1)).goes_on


def test_a_configuration_change_is_never_superseded() -> None:
    assert may_switch(candidate(2, Kind.CONFIGURATION, image=1), live(3)).goes_on


@pytest.mark.parametrize(
    ("change", "serving", "anew"),
    [
        (candidate(3, Kind.CONFIGURATION, image=1, frozen=True), live(2), True),
        (candidate(3, Kind.CONFIGURATION, image=2, frozen=True), live(2), False),
        (candidate(3, Kind.CONFIGURATION, image=1), live(2), False),
        (candidate(3, Kind.CONFIGURATION, image=1, frozen=True), None, False),
        (candidate(3, image=1, frozen=True), live(2), False),
    ],
)
def test_a_configuration_change_that_froze_another_image_than_the_live_one_must_be_refrozen(
    change: Candidate, serving: Candidate | None, anew: bool
) -> None:
    assert must_refreeze(change, serving) is anew


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3, 4])))
def test_in_whatever_order_builds_end_the_last_push_is_live(order: tuple[int, ...]) -> None:
    serving: Candidate | None = None
    for number in order:
        if may_switch(candidate(number), serving).goes_on:
            serving = live(number)
    assert serving is not None
    assert serving.id == 4


def test_a_rollback_cancels_everything_unfinished_that_came_earlier() -> None:
    states = itertools.cycle(State)
    others = [candidate(number, state=next(states)) for number in range(1, 21)]
    cancelled = cancelled_by_rollback(11, others)
    assert {each.id for each in cancelled} == {
        each.id for each in others if each.sequence < 11 and each.state in UNFINISHED
    }
    assert cancelled


def test_a_rollback_cancels_configuration_changes_too() -> None:
    waiting = candidate(1, Kind.CONFIGURATION)
    assert cancelled_by_rollback(2, [waiting, candidate(2, Kind.ROLLBACK)]) == [waiting]


def test_nothing_waits_nothing_starts() -> None:
    assert next_to_start([]) is None


def test_the_oldest_intent_starts_first() -> None:
    assert next_to_start([candidate(3), candidate(1), candidate(2)]) == candidate(1)


def test_what_has_begun_comes_to_its_end_before_an_older_intent_starts() -> None:
    frozen = candidate(3, Kind.CONFIGURATION, image=1, frozen=True)
    assert next_to_start([candidate(2), frozen, candidate(4)]) == frozen


def test_a_rollback_starts_before_everything() -> None:
    frozen = candidate(2, frozen=True)
    assert next_to_start([candidate(1), candidate(5, Kind.ROLLBACK), frozen]) == candidate(5, Kind.ROLLBACK)


@pytest.mark.parametrize(
    ("head", "serving", "end"),
    [
        (None, None, State.SKIPPED),
        (None, A, State.SKIPPED),
        (B, None, State.SUPERSEDED),
        (B, A, State.SUPERSEDED),
        (A, A, State.SKIPPED),
    ],
)
def test_a_stale_push_stops(head: str | None, serving: str | None, end: State) -> None:
    verdict = push_is_stale(A, head, serves(serving))
    assert (verdict.goes_on, verdict.end) == (False, end)
    assert verdict.why


@pytest.mark.parametrize("serving", [None, B])
def test_the_branchs_head_is_deployed(serving: str | None) -> None:
    assert push_is_stale(A, A, serves(serving)).goes_on


FILTERED = LiveTree(7, B, paths=("api/**", "!**/*.md"))


def test_a_push_that_is_live_is_built_all_the_same_while_a_choice_before_it_has_not_ended() -> None:
    assert push_is_stale(A, A, LiveTree(7, A, unsettled=8)).goes_on


@pytest.mark.parametrize(
    "changed",
    [["api/app.py"], ["web/a", "api/sub/x"], ["slipway.toml"], ["api"], ["api/\udcff"], ["api/a\nb"]],
    ids=repr,
)
def test_a_push_that_changes_what_the_app_is_made_of_goes_on(changed: list[str]) -> None:
    assert changes_nothing(FILTERED, changed, "main").goes_on


@pytest.mark.parametrize("changed", [[], ["web/app.py"], ["api/README.md"], ["apis/x", "web/slipway.toml"]], ids=repr)
def test_a_push_that_changes_nothing_of_it_is_skipped_and_says_what_it_was_compared_with(changed: list[str]) -> None:
    verdict = changes_nothing(FILTERED, changed, "stable")
    assert (verdict.goes_on, verdict.end, verdict.live) == (False, State.SKIPPED, FILTERED)
    assert verdict.why == "nothing under api/**, !**/*.md differs from what is live (bbbbbbb)"
    assert (verdict.reason, verdict.remedy.rpartition(": ")[2]) == (CHANGES_NOTHING, "slipway deploy --ref stable")


@pytest.mark.parametrize(
    "live",
    [None, replace(FILTERED, commit_sha=""), replace(FILTERED, paths=()), replace(FILTERED, unsettled=8)],
    ids=repr,
)
def test_what_is_not_known_or_has_no_filter_is_not_compared(live: LiveTree | None) -> None:
    assert is_comparable(FILTERED)
    assert not is_comparable(live)


def test_a_choice_by_hand_before_a_push_leaves_open_what_it_finds_live() -> None:
    others = [candidate(2), candidate(3, Kind.CONFIGURATION), candidate(6, Kind.ROLLBACK)]
    assert unsettled_choice(candidate(5), others) is None
    for kind in (Kind.ROLLBACK, Kind.MANUAL, Kind.REBUILD, Kind.PROMOTION):
        assert unsettled_choice(candidate(5), [*others, candidate(4, kind)]) == candidate(4).id
        assert unsettled_choice(candidate(5), [*others, replace(candidate(4, kind), state=State.FAILED)]) is None


def test_a_push_that_is_skipped_stops_the_pushes_before_it() -> None:
    before, ended = candidate(2), replace(candidate(3), state=State.LIVE)
    others = [before, ended, candidate(4, Kind.CONFIGURATION), candidate(5), candidate(6)]
    assert superseded_by_skip(candidate(5), others) == [before]


def serves(commit: str | None) -> LiveTree | None:
    return LiveTree(7, commit) if commit else None


WENT_BACK = ManualOverride(3, Kind.ROLLBACK, heads_then=frozenset({A}), moved_since=False)


def test_a_push_of_the_head_that_was_rolled_back_from_is_skipped() -> None:
    verdict = is_stale_redelivery(A, WENT_BACK)
    assert (verdict.goes_on, verdict.end) == (False, State.SKIPPED)
    assert "deployment 3 (a rollback)" in verdict.why
    assert "slipway deploy" in verdict.remedy


@pytest.mark.parametrize(
    ("commit", "choice"),
    [
        (A, None),
        (B, WENT_BACK),
        (A, replace(WENT_BACK, heads_then=frozenset())),
        (A, replace(WENT_BACK, moved_since=True)),
    ],
)
def test_a_push_that_says_something_new_of_its_branch_is_deployed(commit: str, choice: ManualOverride | None) -> None:
    assert is_stale_redelivery(commit, choice).goes_on


GAVE_WAY = GaveWay(4, A, moved_since=False)


def test_a_push_of_the_commit_that_gave_way_is_skipped_and_says_how_to_deploy_it_all_the_same() -> None:
    verdict = failed_before(A, GAVE_WAY)
    assert (verdict.goes_on, verdict.end) == (False, State.SKIPPED)
    assert verdict.why == f"{A[:7]} was live and gave way (deployment 4), and is no new push"
    assert "slipway deploy" in verdict.remedy


@pytest.mark.parametrize(("commit", "gave_way"), [(A, None), (B, GAVE_WAY), (A, replace(GAVE_WAY, moved_since=True))])
def test_another_commit_or_the_same_pushed_anew_is_deployed(commit: str, gave_way: GaveWay | None) -> None:
    assert failed_before(commit, gave_way).goes_on


SERVES = LiveImage(A, release=3, message="Add it", kind=Kind.PUSH, serves=True, outdated=False)


def test_what_is_asked_for_by_hand_and_is_live_already_is_skipped_with_the_way_to_have_it_anyway() -> None:
    verdict = is_redundant(Kind.MANUAL, A, SERVES)
    assert (verdict.goes_on, verdict.end, verdict.why) == (False, State.SKIPPED, f"{A[:7]} is live already (v3)")
    assert "slipway deploy --rebuild" in verdict.remedy


@pytest.mark.parametrize(
    ("kind", "version", "live"),
    [
        (Kind.REBUILD, A, SERVES),
        (Kind.PUSH, A, SERVES),
        (Kind.MANUAL, B, SERVES),
        (Kind.MANUAL, A, None),
        (Kind.MANUAL, A, replace(SERVES, serves=False)),
        (Kind.MANUAL, A, replace(SERVES, outdated=True)),
        (Kind.MANUAL, A, replace(SERVES, leaving=True)),
        (Kind.MANUAL, A, replace(SERVES, kind=Kind.ROLLBACK)),
    ],
)
def test_only_what_serves_and_would_come_out_the_same_is_skipped(
    kind: Kind, version: str, live: LiveImage | None
) -> None:
    assert is_redundant(kind, version, live).goes_on
