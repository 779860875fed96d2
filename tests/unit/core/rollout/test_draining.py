"""When the replicas of the release before leave: once no edge sends them requests, or their grace is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.rollout import actions
from slipway.core.rollout.decide import decide
from slipway.core.rollout.view import Draining, Live, View
from tests.unit.core.rollout.decision_views import NEW, NOW, QUIET, replica, view

TABLE: list[tuple[str, View, list[actions.Action]]] = [
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
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_decision(given: View, expected: list[actions.Action]) -> None:
    assert list(decide(given).actions) == expected
