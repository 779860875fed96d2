"""What follows from a replica that fails: a new release ends, one of what is live is started again later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.rollout import actions
from slipway.core.rollout.decide import decide
from slipway.core.rollout.failure import Failure
from slipway.core.rollout.probe_pace import ProbePace
from slipway.core.rollout.view import Container, Live, Probe, Release, Replica, View
from tests.unit.core.rollout.decision_views import NEW, NOW, ROLLING, UNHEALTHY, dead, old, replica, view

TABLE: list[tuple[str, View, list[actions.Action]]] = [
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
            probe=Probe(ProbePace(6), UNHEALTHY),
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
