"""What an app needs next, decided from a view alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway.core.deployment.ordering import Verdict
from slipway.core.deployment.states import Kind, State
from slipway.core.rollout import actions
from slipway.core.rollout.decide import decide
from slipway.core.rollout.failure import Failure, ProbeCause, ProbeError
from slipway.core.rollout.view import (
    Container,
    Draining,
    Live,
    Probe,
    Release,
    Replica,
    Rolling,
    Stopped,
    Switched,
    View,
)

NOW = 1_000.0
UNHEALTHY = ProbeError(ProbeCause.BAD_STATUS, "GET :8080/health answered 500", "/health", 500)
OLD = Release(1, {"web": 1})
NEW = Release(2, {"web": 1})
LIVE = Live(10, OLD)
ROLLING = Rolling(11, Kind.PUSH, State.STARTING, NEW)


def replica(name: str = "new", **values: Any) -> Replica:
    """A running replica of the new release that is not yet ready."""
    container = Container(f"c-{name}", running=True, started_at=NOW - 5)
    given: dict[str, Any] = {
        "id": name,
        "process": "web",
        "release_id": 2,
        "slot": 1,
        "state": "starting",
        "container": container,
        "recorded": f"c-{name}",
    }
    return Replica(**(given | values))


def old(name: str = "old", **values: Any) -> Replica:
    """A ready replica of the live release, in the route table."""
    return replica(name, **({"release_id": 1, "state": "ready", "target": True} | values))


def view(*replicas: Replica, **values: Any) -> View:
    return View(**({"now": NOW, "live": LIVE, "replicas": replicas, "confirmed": 5} | values))


def dead(name: str = "new", code: int = 1, *, oom: bool = False) -> Container:
    return Container(f"c-{name}", running=False, exit_code=code, oom_killed=oom, started_at=NOW - 5)


QUIET = old(state="draining", target=False, draining=Draining(4, NOW - 2, 0, 30))

TABLE: list[tuple[str, View, list[actions.Action]]] = [
    ("nothing changed", view(old()), []),
    (
        "a deployment that is not frozen is frozen",
        view(old(), rolling=replace(ROLLING, release=None)),
        [actions.Freeze(11)],
    ),
    (
        "pre-deploy comes before any replica",
        view(old(), rolling=replace(ROLLING, pre_deploy="due")),
        [actions.RunPreDeploy(11)],
    ),
    ("pre-deploy runs", view(old(), rolling=replace(ROLLING, pre_deploy="running")), []),
    (
        "new replicas start beside the old",
        view(old(), rolling=ROLLING),
        [actions.CreateReplica(2, "web", 1, 11)],
    ),
    (
        "a row without a container is started",
        view(old(), replica(container=None, recorded=None), rolling=ROLLING),
        [actions.Launch("new")],
    ),
    (
        "what runs unrecorded is adopted",
        view(old(), replica(recorded=None), rolling=ROLLING),
        [actions.Adopt("new", "c-new")],
    ),
    (
        "what was made but never ran is started",
        view(old(), replica(recorded=None, container=dead()), rolling=ROLLING),
        [actions.Launch("new")],
    ),
    ("a started one is asked", view(old(), replica(), rolling=ROLLING), [actions.ProbeReplica("new")]),
    ("a busy one is left alone", view(old(), replica(busy=True), rolling=ROLLING), []),
    (
        "one that answered is ready",
        view(old(), replica(probe=Probe(3)), rolling=ROLLING),
        [actions.MarkReady("new")],
    ),
    (
        "all ready: switch",
        view(old(), replica(state="ready"), rolling=ROLLING),
        [actions.Switch(11, ("new",))],
    ),
    (
        "a newer one went live meanwhile",
        view(old(), replica(), rolling=replace(ROLLING, verdict=Verdict(False, State.SUPERSEDED, "newer"))),
        [actions.Stop(11, State.SUPERSEDED, "newer")],
    ),
    (
        "asked to stop",
        view(old(), replica(), stopped=(Stopped(11, State.CANCELLED, "by someone"),)),
        [actions.Stop(11, State.CANCELLED, "by someone")],
    ),
    (
        "the replicas of what was stopped leave, the old one stays",
        view(old(), replica()),
        [actions.Drain("new")],
    ),
    (
        "what never had a request leaves at once",
        view(old(), replica(state="draining", draining=Draining(None))),
        [actions.Remove("new")],
    ),
    (
        "switched and confirmed: live",
        view(
            old(target=False),
            replica(state="ready", target=True),
            rolling=replace(ROLLING, switched=Switched(5, NOW)),
        ),
        [actions.GoLive(11, 5)],
    ),
    (
        "switched and not confirmed: nothing is drained",
        view(
            old(target=False),
            replica(state="ready", target=True),
            rolling=replace(ROLLING, switched=Switched(6, NOW)),
        ),
        [],
    ),
    (
        "a stop after the switch gives the targets back first",
        view(old(target=False), replica(state="ready", target=True)),
        [actions.SetTargets("web", ("old",))],
    ),
    (
        "draining: an edge has not confirmed",
        view(replica(state="ready", target=True), replace(QUIET, draining=Draining(9)), live=Live(11, NEW)),
        [],
    ),
    (
        "draining: requests under way",
        view(
            replica(state="ready", target=True),
            replace(QUIET, draining=Draining(4, NOW - 2, 3, 30)),
            live=Live(11, NEW),
        ),
        [],
    ),
    (
        "draining: an edge does not report",
        view(
            replica(state="ready", target=True),
            replace(QUIET, draining=Draining(4, NOW - 2, None, 30)),
            live=Live(11, NEW),
        ),
        [],
    ),
    ("drained", view(replica(state="ready", target=True), QUIET, live=Live(11, NEW)), [actions.Remove("old")]),
    (
        "the grace is over",
        view(
            replica(state="ready", target=True),
            replace(QUIET, draining=Draining(4, NOW - 31, 3, 30)),
            live=Live(11, NEW),
        ),
        [actions.Remove("old", cut=3)],
    ),
    (
        "the grace is over, that of its streams is not",
        view(
            replica(state="ready", target=True),
            replace(QUIET, draining=Draining(4, NOW - 31, 3, 30, streams=1, stream_grace_s=300)),
            live=Live(11, NEW),
        ),
        [],
    ),
    (
        "the grace is over, and no stream is left",
        view(
            replica(state="ready", target=True),
            replace(QUIET, draining=Draining(4, NOW - 31, 3, 30, streams=0, stream_grace_s=300)),
            live=Live(11, NEW),
        ),
        [actions.Remove("old", cut=3)],
    ),
    (
        "the grace is over, and nobody knows of streams",
        view(
            replica(state="ready", target=True),
            replace(QUIET, draining=Draining(4, NOW - 31, None, 30, None, 300)),
            live=Live(11, NEW),
        ),
        [],
    ),
    (
        "the streams' grace is over",
        view(
            replica(state="ready", target=True),
            replace(QUIET, draining=Draining(4, NOW - 301, 1, 30, streams=1, stream_grace_s=300)),
            live=Live(11, NEW),
        ),
        [actions.Remove("old", cut=1)],
    ),
    (
        "the last old one is gone",
        view(replica(state="ready", target=True), live=Live(11, NEW, draining=True)),
        [actions.EndDrain(11)],
    ),
    (
        "recreate: the old one leaves before the new one starts",
        view(old(), rolling=replace(ROLLING, release=replace(NEW, recreate=True))),
        [actions.Drain("old")],
    ),
    (
        "recreate: still leaving",
        view(
            old(state="draining", target=False, draining=Draining(9)),
            rolling=replace(ROLLING, release=replace(NEW, recreate=True)),
        ),
        [],
    ),
    (
        "recreate: gone, so the new one starts",
        view(rolling=replace(ROLLING, release=replace(NEW, recreate=True))),
        [actions.CreateReplica(2, "web", 1, 11)],
    ),
    (
        "not shared: the old one leaves before the pre-deploy command",
        view(old(), rolling=replace(ROLLING, release=replace(NEW, recreate=True, exclusive=True), pre_deploy="due")),
        [actions.Drain("old")],
    ),
    (
        "not shared: gone, so the pre-deploy command runs",
        view(rolling=replace(ROLLING, release=replace(NEW, recreate=True, exclusive=True), pre_deploy="due")),
        [actions.RunPreDeploy(11)],
    ),
    (
        "not shared: while the pre-deploy command runs the old one does not come back",
        view(rolling=replace(ROLLING, release=replace(NEW, recreate=True, exclusive=True), pre_deploy="running")),
        [],
    ),
    (
        "not shared: no replica beside one whose stop has started",
        view(
            replace(QUIET, stopping=True, target=False, busy=True),
            live=replace(LIVE, release=replace(OLD, recreate=True, exclusive=True)),
        ),
        [],
    ),
    (
        "not shared: one whose stop was broken off is removed first",
        view(
            replace(QUIET, stopping=True, target=False),
            live=replace(LIVE, release=replace(OLD, recreate=True, exclusive=True)),
        ),
        [actions.Remove("old", 0)],
    ),
    (
        "recreate: the old one does not come back between switch and confirmation",
        view(
            replica(state="ready", target=True),
            rolling=replace(ROLLING, release=replace(NEW, recreate=True), switched=Switched(6, NOW)),
        ),
        [],
    ),
    (
        "a rollback takes back what is still leaving",
        view(
            replica("three", release_id=3, state="ready", target=True),
            replica(state="draining", draining=Draining(4, NOW, 1, 30)),
            live=Live(12, Release(3, {"web": 1})),
            rolling=Rolling(13, Kind.ROLLBACK, State.STARTING, NEW),
        ),
        [actions.Reuse("new")],
    ),
    (
        "not one that is being stopped already",
        view(
            replica("three", release_id=3, state="ready", target=True),
            replica(state="draining", stopping=True, draining=Draining(4, NOW, 1, 30)),
            live=Live(12, Release(3, {"web": 1})),
            rolling=Rolling(13, Kind.ROLLBACK, State.STARTING, NEW),
        ),
        [actions.CreateReplica(2, "web", 2, 13)],
    ),
    ("scaled up", view(old(), live=Live(10, Release(1, {"web": 2}))), [actions.CreateReplica(1, "web", 2, 10)]),
    (
        "scaled down: the highest slot leaves",
        view(old(), old("second", slot=2)),
        [actions.Drain("second")],
    ),
    (
        "scaled down: one that is not ready leaves first",
        view(old(state="starting", target=False, busy=True), old("second", slot=2)),
        [actions.Drain("old")],
    ),
    ("scaled to none", view(old(), live=Live(10, Release(1, {"web": 0}))), [actions.Drain("old")]),
    (
        "nothing is wanted of the new release: switch",
        view(live=None, rolling=replace(ROLLING, release=Release(2, {"web": 0}))),
        [actions.Switch(11, ())],
    ),
    (
        "a worker process is ready once it has run for a second",
        view(
            old(),
            replica(process="worker"),
            live=Live(10, Release(1, {"web": 1})),
            rolling=replace(ROLLING, release=Release(2, {"worker": 1})),
        ),
        [actions.MarkReady("new")],
    ),
    (
        "a dead target leaves the route table at once",
        view(old(container=dead("old", 3)), old("second", slot=2), live=Live(10, Release(1, {"web": 2}))),
        [actions.SetTargets("web", ("second",))],
    ),
    (
        "a crashed one of what is live waits",
        view(old(state="crashed", target=False, retry_at=NOW + 3)),
        [],
    ),
    ("and is started again", view(old(state="crashed", target=False, retry_at=NOW)), [actions.Launch("old")]),
    ("nothing is live, nothing runs", view(old(), live=None), [actions.SetTargets("web", ())]),
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_decision(given: View, expected: list[actions.Action]) -> None:
    assert list(decide(given).actions) == expected


FAILURES = [
    ("crash", replica(container=dead()), "start-crashed", "exit code 1"),
    ("out of memory", replica(container=dead(oom=True)), "start-crashed", "memory"),
    ("vanished", replica(container=None), "start-crashed", "vanished"),
    ("refused", replica(refusal=Failure("image-missing", "no image")), "image-missing", "no image"),
    (
        "probe timeout",
        replica(
            container=Container("c-new", running=True, started_at=NOW - 31),
            probe=Probe(6, UNHEALTHY),
        ),
        "start-probe-failed",
        "GET :8080/health answered 500 (6 tries)",
    ),
]


@pytest.mark.parametrize(
    ("failing", "reason", "words"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_new_replica_that_fails_ends_the_deployment_and_nothing_else(
    failing: Replica, reason: str, words: str
) -> None:
    [action] = decide(view(old(), failing, rolling=ROLLING)).actions
    assert isinstance(action, actions.Fail)
    assert (action.deployment_id, action.replica_id, action.failure.reason) == (11, "new", reason)
    assert words in action.failure.message


@pytest.mark.parametrize("failing", [row[1] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_a_replica_of_what_is_live_that_fails_is_started_again_later(failing: Replica) -> None:
    [action] = decide(view(failing, live=Live(11, NEW))).actions
    assert isinstance(action, actions.MarkCrashed)
    assert (action.restarts, action.retry_at) == (1, NOW), "the first time at once"


def test_restarts_come_later_each_time_and_a_healthy_time_forgets_them() -> None:
    soon = old(container=dead("old"), target=False, restarts=4, ready_at=NOW - 5)
    [action] = decide(view(soon)).actions
    assert isinstance(action, actions.MarkCrashed)
    assert (action.restarts, action.retry_at) == (5, NOW + 8)
    [action] = decide(view(replace(soon, ready_at=NOW - 601))).actions
    assert isinstance(action, actions.MarkCrashed)
    assert (action.restarts, action.retry_at) == (1, NOW)


def test_an_unconfirmed_switch_fails_when_its_time_is_over() -> None:
    switched = replace(ROLLING, switched=Switched(6, NOW - 61))
    both = (old(target=False), replica(state="ready", target=True))
    [action] = decide(view(*both, rolling=switched)).actions
    assert isinstance(action, actions.Fail)
    assert action.failure.reason == "edge-unconfirmed"
    assert decide(view(*both, rolling=switched, confirmed=None)).actions == (action,)


def test_what_waits_says_when_to_look_again() -> None:
    assert decide(view(old(state="crashed", target=False, retry_at=NOW + 3))).recheck_at == NOW + 3
    assert decide(view(old())).recheck_at is None
