"""What an app needs next, decided from a view alone: from a new deployment to the switch, and how many replicas run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.deployment.ordering import Verdict
from slipway.core.deployment.states import Kind, State
from slipway.core.rollout import actions
from slipway.core.rollout.decide import NOT_HTTP_ROUNDS, decide
from slipway.core.rollout.failure import PROBE_FAILED, Failure, ProbeCause, ProbeError
from slipway.core.rollout.probe_pace import ProbePace
from slipway.core.rollout.view import Draining, Live, Probe, Release, Rolling, Stopped, Switched, View
from tests.unit.core.rollout.decision_views import NEW, NOW, ROLLING, dead, old, replica, view

NOT_HTTP = ProbeError(ProbeCause.NOT_HTTP, "IMAP")

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
        view(old(), replica(probe=Probe(ProbePace(3))), rolling=ROLLING),
        [actions.MarkReady("new")],
    ),
    (
        "one that answers with something else is asked again for a while",
        view(old(), replica(probe=Probe(ProbePace(40), NOT_HTTP, NOT_HTTP_ROUNDS - 1)), rolling=ROLLING),
        [actions.ProbeReplica("new")],
    ),
    (
        "one that goes on answering with something else has failed, long before its time is over",
        view(old(), replica(probe=Probe(ProbePace(50), NOT_HTTP, NOT_HTTP_ROUNDS)), rolling=ROLLING),
        [actions.Fail(11, Failure(PROBE_FAILED, "IMAP (50 tries)", probe=NOT_HTTP), "new", None)],
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
    ("nothing is live, nothing runs", view(old(), live=None), [actions.SetTargets("web", ())]),
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_decision(given: View, expected: list[actions.Action]) -> None:
    assert list(decide(given).actions) == expected


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
