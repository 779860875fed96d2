"""What a new release is watched for, and when it gives way to the one before, decided from a view alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway.core.deployment.states import Kind, State
from slipway.core.rollout import actions
from slipway.core.rollout.decide import decide
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.view import (
    Container,
    Draining,
    Live,
    Previous,
    Release,
    Replica,
    Rolling,
    Switched,
    View,
    Watch,
    WatchProbe,
)
from slipway.core.rollout.watch import EVERY_S, FAILURES, LONGEST_EXTENSION_S

NOW = 1_000.0
OLD, NEW, NEWER = (Release(number, {"web": 1}, watch_s=10) for number in (1, 2, 3))
WATCH = Watch(NOW - 3, NOW + 7, Previous(10, OLD))
LIVE = Live(11, NEW, watch=WATCH)
REFUSED = ProbeError(ProbeCause.REFUSED, "GET :8000/ was refused")


def replica(name: str, release_id: int, **values: Any) -> Replica:
    given: dict[str, Any] = {
        "id": name,
        "process": "web",
        "release_id": release_id,
        "slot": 1,
        "state": "ready",
        "container": Container(f"c-{name}", running=True, started_at=NOW - 4),
        "recorded": f"c-{name}",
    }
    return Replica(**(given | values))


def new(name: str = "new", **values: Any) -> Replica:
    return replica(name, 2, **({"target": True, "watch_probe": WatchProbe(NOW - 0.5)} | values))


def old(name: str = "old", **values: Any) -> Replica:
    return replica(name, 1, **({"standby": True} | values))


def ended(name: str, code: int = 1) -> Container:
    return Container(f"c-{name}", running=False, exit_code=code, started_at=NOW - 4)


def view(*replicas: Replica, **values: Any) -> View:
    return View(**({"now": NOW, "live": LIVE, "replicas": replicas, "confirmed": 5} | values))


def silent(failures: int = FAILURES) -> WatchProbe:
    return WatchProbe(NOW - 0.5, failures, REFUSED)


def test_while_it_is_watched_the_release_before_runs_on_and_the_new_one_is_probed() -> None:
    assert decide(view(old(), new())).actions == ()
    assert decide(view(old(), new())).recheck_at == NOW - 0.5 + EVERY_S
    assert decide(view(old(), new(watch_probe=None))).actions == (actions.ProbeWatched("new"),)
    assert decide(view(old(), new(watch_probe=WatchProbe(NOW - EVERY_S)))).actions == (actions.ProbeWatched("new"),)
    assert decide(view(old(), new(watch_probe=None, watch_probe_runs=True))).actions == ()


@pytest.mark.parametrize(
    ("failing", "reason", "message"),
    [
        (new(container=ended("new", 3)), "start-crashed", "replica web.1 ended with exit code 3"),
        (
            new(watch_probe=silent()),
            "stopped-answering",
            f"replica web.1 stopped answering: {REFUSED.message} (3 tries in a row)",
        ),
    ],
    ids=["ended", "silent"],
)
def test_a_release_that_fails_gives_way_to_the_one_before(failing: Replica, reason: str, message: str) -> None:
    [action] = decide(view(old(), failing)).actions
    assert isinstance(action, actions.GiveWay)
    assert (action.deployment_id, action.previous_id, action.replica_id) == (11, 10, "new")
    assert (action.failure.reason, action.failure.message) == (reason, message)
    assert action.standby_ids == ("old",)


def test_one_failing_replica_of_two_is_enough() -> None:
    live = replace(LIVE, release=Release(2, {"web": 2}))
    [action] = decide(view(old(), new(), new("second", slot=2, container=ended("second")), live=live)).actions
    assert isinstance(action, actions.GiveWay)
    assert action.replica_id == "second"


def test_a_parent_that_ended_well_is_evidence_too() -> None:
    [action] = decide(view(old(), new(container=ended("new", 0)))).actions
    assert isinstance(action, actions.GiveWay)
    assert action.failure.exit_code == 0


def test_a_worker_process_that_ends_counts_too() -> None:
    both = {"web": 1, "worker": 1}
    live = Live(11, replace(NEW, wanted=both), watch=replace(WATCH, previous=Previous(10, replace(OLD, wanted=both))))
    ends = new("job", process="worker", target=False, watch_probe=None, container=ended("job"))
    before = old(), old("before", process="worker", standby=False)
    [action] = decide(view(*before, new(), ends, live=live)).actions
    assert isinstance(action, actions.GiveWay)
    assert action.replica_id == "job"


@pytest.mark.parametrize(
    "replicas",
    [
        (old(), new(watch_probe=silent(FAILURES - 1))),
        (old(), new(watch_probe=WatchProbe(WATCH.since - 1, FAILURES, REFUSED), watch_probe_runs=True)),
        (old(), new(), new("surplus", slot=2, state="draining", target=False, container=ended("surplus"), busy=True)),
    ],
    ids=["too few failures", "probed before the switch", "a surplus one that drains"],
)
def test_what_is_no_evidence_changes_nothing(replicas: tuple[Replica, ...]) -> None:
    assert decide(view(*replicas)).actions == ()


def test_when_everything_ended_nothing_is_known_against_the_new_release() -> None:
    everything = old(container=ended("old")), new(container=ended("new"))
    [action] = decide(view(*everything)).actions
    assert isinstance(action, actions.EndWatch)
    assert action.failure is not None


BOTH = {"web": 1, "worker": 1}
BOTH_LIVE = Live(11, replace(NEW, wanted=BOTH), watch=replace(WATCH, previous=Previous(10, replace(OLD, wanted=BOTH))))
DEAD_WORKERS = [
    (old("job", process="worker", standby=False, state="crashed", retry_at=NOW + 9, container=ended("job")),),
    (old("job", process="worker", standby=False, state="starting"),),
    (),
]
WORKS = new("works", process="worker", target=False, watch_probe=None)


@pytest.mark.parametrize("workers", DEAD_WORKERS, ids=["crashed", "starting", "none"])
def test_a_web_replica_of_the_release_before_is_enough_to_give_way_to(workers: tuple[Replica, ...]) -> None:
    [action] = decide(view(old(), *workers, new(container=ended("new")), WORKS, live=BOTH_LIVE)).actions
    assert isinstance(action, actions.GiveWay)
    assert action.standby_ids == ("old",)


@pytest.mark.parametrize("workers", DEAD_WORKERS, ids=["crashed", "starting", "none"])
def test_a_web_replica_of_the_live_release_is_enough_before_the_confirmation(workers: tuple[Replica, ...]) -> None:
    rolling = Rolling(12, Kind.PUSH, State.STARTING, replace(NEWER, wanted=BOTH), switched=Switched(6, NOW))
    live = Live(10, replace(OLD, wanted=BOTH))
    ends = third(target=True, container=ended("third", 9))
    [action] = decide(view(old(), *workers, ends, live=live, rolling=rolling)).actions
    assert isinstance(action, actions.Fail)
    assert (action.deployment_id, action.replica_id) == (12, "third")


def test_a_release_without_web_needs_each_of_its_processes_to_be_given_way_to() -> None:
    jobs = {"web": 0, "worker": 1, "mailer": 1}
    live = Live(11, replace(NEW, wanted=jobs), watch=replace(WATCH, previous=Previous(10, replace(OLD, wanted=jobs))))
    ends = new("job", process="worker", target=False, watch_probe=None, container=ended("job"))
    sends = new("sends", process="mailer", target=False, watch_probe=None)
    worker, mailer = (old(name, process=name, standby=False) for name in ("worker", "mailer"))
    [gives_way] = decide(view(worker, mailer, ends, sends, live=live)).actions
    assert isinstance(gives_way, actions.GiveWay)
    [stays] = decide(view(worker, ends, sends, live=live)).actions
    assert isinstance(stays, actions.EndWatch)


def test_a_first_release_that_fails_has_nothing_to_give_way_to() -> None:
    live = replace(LIVE, watch=replace(WATCH, previous=None))
    [action] = decide(view(new(container=ended("new")), live=live)).actions
    assert isinstance(action, actions.EndWatch)
    assert action.failure is not None
    assert action.failure.reason == "start-crashed"


def test_an_app_that_can_not_run_twice_gives_way_when_it_ends_again() -> None:
    live = replace(LIVE, release=replace(NEW, recreate=True))
    [first, *_] = decide(view(new(target=False, container=ended("new")), live=live)).actions
    assert isinstance(first, actions.MarkCrashed)
    [again] = decide(view(new(target=False, restarts=1, container=ended("new")), live=live)).actions
    assert isinstance(again, actions.GiveWay)
    assert again.standby_ids == ()


def test_an_app_that_can_not_run_twice_gives_way_at_once_when_it_stops_answering() -> None:
    """It is not started again, so there is no second end to wait for."""
    live = replace(LIVE, release=replace(NEW, recreate=True))
    [action] = decide(view(new(watch_probe=silent()), live=live)).actions
    assert isinstance(action, actions.GiveWay)
    assert action.failure.reason == "stopped-answering"


def test_one_whose_volume_the_release_before_does_not_share_gives_way_as_if_it_could_not_run_twice() -> None:
    live = replace(LIVE, release=replace(NEW, excludes=frozenset({1})))
    [first, *_] = decide(view(new(target=False, container=ended("new")), live=live)).actions
    assert isinstance(first, actions.MarkCrashed)
    [again] = decide(view(new(target=False, restarts=1, container=ended("new")), live=live)).actions
    assert isinstance(again, actions.GiveWay)


def test_after_giving_way_a_volume_that_was_not_shared_is_waited_for() -> None:
    live = Live(10, replace(OLD, wanted=BOTH, excludes=frozenset({2})))
    worker = new("job", process="worker", target=False)
    draining = replace(worker, state="draining", draining=Draining(None, inflight=0))
    assert decide(view(worker, live=live)).actions == (actions.Drain("job"),)
    assert decide(view(draining, live=live)).actions == (actions.Remove("job"),)
    assert decide(view(replace(draining, busy=True), live=live)).actions == ()
    assert decide(view(live=live)).actions == (
        actions.CreateReplica(1, "web", 1, 10),
        actions.CreateReplica(1, "worker", 1, 10),
    )


def test_a_newer_one_waits_for_a_volume_that_the_release_on_standby_does_not_share() -> None:
    rolling = replace(ROLLING, release=replace(NEWER, excludes=frozenset({1})))
    assert decide(view(old(), new(), rolling=rolling)).actions == (actions.Drain("old"),)
    assert decide(view(new(), rolling=rolling)).actions == (actions.CreateReplica(3, "web", 1, 12),)


def test_what_waits_to_be_started_again_prolongs_the_watch() -> None:
    live = replace(LIVE, release=replace(NEW, recreate=True), watch=replace(WATCH, until=NOW - 1))
    waits = new(target=False, state="crashed", retry_at=NOW + 3, restarts=1, container=ended("new"))
    assert decide(view(waits, live=live)).actions == ()
    long_over = replace(live, watch=replace(WATCH, until=NOW - LONGEST_EXTENSION_S))
    assert actions.EndWatch(11) in decide(view(waits, live=long_over)).actions


def over(**values: Any) -> Live:
    return replace(LIVE, watch=replace(WATCH, until=NOW, **values))


def test_the_watch_ends_with_an_answer() -> None:
    assert decide(view(old(), new(), live=over())).actions == (actions.EndWatch(11),)
    assert actions.EndWatch(11) not in decide(view(old(), new(watch_probe_runs=True), live=over())).actions
    assert actions.EndWatch(11) not in decide(view(old(), new(watch_probe=silent(1)), live=over())).actions


def test_evidence_that_is_found_late_counts() -> None:
    """As by an agent that did not run when the watch was over: the release before still runs."""
    [action] = decide(view(old(), new(container=ended("new")), live=over())).actions
    assert isinstance(action, actions.GiveWay)


def test_when_the_watch_is_over_the_old_replicas_leave_the_route_table_and_drain() -> None:
    live = replace(LIVE, watch=None, draining=True)
    assert decide(view(old(), new(), live=live)).actions == (actions.SetTargets("web", ("new",)),)
    assert decide(view(old(standby=False), new(), live=live)).actions == (actions.Drain("old"),)


def test_a_draining_replica_of_the_release_before_leaves_although_the_others_stay() -> None:
    leaves = old("surplus", slot=2, standby=False, state="draining", draining=Draining(None))
    assert decide(view(old(), leaves, new())).actions == (actions.Remove("surplus"),)


def test_an_app_scaled_to_nothing_is_not_watched() -> None:
    live = replace(LIVE, release=Release(2, {"web": 0}))
    assert decide(view(old(), live=live)).actions == (actions.EndWatch(11),)


def test_a_deleted_app_gives_way_to_nothing() -> None:
    assert decide(view(old(), new(container=ended("new")), live=None)).actions == (actions.SetTargets("web", ()),)


ROLLING = Rolling(12, Kind.PUSH, State.STARTING, NEWER)


def third(**values: Any) -> Replica:
    return replica("third", 3, **values)


def test_a_newer_deployment_starts_meanwhile_and_does_not_keep_the_watched_one_from_giving_way() -> None:
    assert decide(view(old(), new(), rolling=ROLLING)).actions == (actions.CreateReplica(3, "web", 1, 12),)
    [action] = decide(view(old(), new(container=ended("new")), rolling=ROLLING)).actions
    assert isinstance(action, actions.GiveWay)


def test_a_newer_one_that_switches_has_the_watched_one_on_standby() -> None:
    ready = third(state="ready")
    assert decide(view(old(), new(), ready, rolling=ROLLING)).actions == (actions.Switch(12, ("third",), ("new",)),)
    switched = replace(ROLLING, switched=Switched(6, NOW))
    assert decide(view(old(), new(), replace(ready, target=True), rolling=switched)).actions == (
        actions.SetTargets("web", ("third",), ("new",)),
    )


def test_one_that_is_not_watched_has_nothing_on_standby() -> None:
    rolling = replace(ROLLING, release=replace(NEWER, watch_s=0))
    live = Live(11, NEW)
    ready = third(state="ready")
    assert decide(view(new(), ready, live=live, rolling=rolling)).actions == (actions.Switch(12, ("third",)),)
    switched = replace(rolling, switched=Switched(5, NOW))
    assert decide(view(new(target=False), replace(ready, target=True), live=live, rolling=switched)).actions == (
        actions.GoLive(12, 5),
    )


def test_a_watched_one_that_ends_after_a_newer_one_switched_is_no_ones_failure() -> None:
    switched = replace(ROLLING, switched=Switched(6, NOW))
    ends = new(target=False, container=ended("new"))
    taken = decide(view(old(standby=False), ends, third(target=True), rolling=switched)).actions
    assert [type(each) for each in taken] == [actions.MarkCrashed]


def test_a_release_that_ends_between_switch_and_confirmation_fails_at_once() -> None:
    switched = replace(ROLLING, switched=Switched(6, NOW))
    ends = third(target=True, container=ended("third", 9))
    live = Live(11, NEW)
    [action] = decide(view(new(target=False, standby=True), ends, live=live, rolling=switched)).actions
    assert isinstance(action, actions.Fail)
    assert (action.deployment_id, action.replica_id) == (12, "third")


def test_a_rollback_to_the_release_before_finds_its_replicas_ready() -> None:
    back = Rolling(13, Kind.ROLLBACK, State.STARTING, OLD)
    assert decide(view(old(), new(), rolling=back)).actions == (actions.Switch(13, ("old",), ("new",)),)
