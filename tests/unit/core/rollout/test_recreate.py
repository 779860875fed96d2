"""Apps that can't run twice: the old release leaves before the new one starts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.rollout import actions
from slipway.core.rollout.decide import decide
from slipway.core.rollout.view import Draining, Switched, View
from tests.unit.core.rollout.decision_views import LIVE, NEW, NOW, OLD, QUIET, ROLLING, old, replica, view

HELD = replace(NEW, exclusive=True, held_back=frozenset({"web"}))
TABLE: list[tuple[str, View, list[actions.Action]]] = [
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
        "not shared: no replica beside a run",
        view(live=replace(LIVE, release=replace(OLD, exclusive=True, held_back=frozenset({"web"})))),
        [],
    ),
    (
        "not shared: no pre-deploy command beside a run, and what is live runs on",
        view(old(), rolling=replace(ROLLING, release=replace(HELD, recreate=True), pre_deploy="due")),
        [],
    ),
    (
        "not shared: nothing starts beside a run, and what is live runs on",
        view(old(), rolling=replace(ROLLING, release=replace(HELD, recreate=True))),
        [],
    ),
    (
        "not shared: a process of which no replica is wanted waits for no run",
        view(
            old(),
            rolling=replace(
                ROLLING, release=replace(HELD, wanted={"web": 1, "work": 0}, held_back=frozenset({"work"}))
            ),
        ),
        [actions.CreateReplica(2, "web", 1, 11)],
    ),
    (
        "recreate: the old one does not come back between switch and confirmation",
        view(
            replica(state="ready", target=True),
            rolling=replace(ROLLING, release=replace(NEW, recreate=True), switched=Switched(6, NOW)),
        ),
        [],
    ),
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_decision(given: View, expected: list[actions.Action]) -> None:
    assert list(decide(given).actions) == expected
