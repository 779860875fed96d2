"""A deploy never fails a request, and never cuts a WebSocket before its grace is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.fixtures.load.crowds import Tally, load
from tests.fixtures.sockets import CLOSED_BY_CLIENT, CLOSED_BY_REPLICA, Life
from tests.fixtures.stack import Checkout, Stack
from tests.fixtures.waiting import eventually

ROLLOUTS = 5
"""One of them is a configuration change, which a push follows."""
STREAMERS = 4
SOCKETS = 50
PAUSE_S = 0.05
"""Of each client between two requests: some client always has one under way or is about to."""
SOCKETS_GRACE_S = 3.0
SETTINGS = f"""\
health_path = "/health"

[timeouts]
drain_s = 4
websocket_drain_s = {SOCKETS_GRACE_S}
stop_s = 2
"""
LATE_S = 240.0
"""What the agent and a busy host may take beyond the grace."""


@dataclass(frozen=True)
class Switch:
    """From `begun_at` the version may answer, from `live_at` no other does. Unix seconds."""

    version: str
    begun_at: float
    live_at: float


def test_rollouts_under_load_with_open_streams_and_sockets_fail_nobody(stack: Stack) -> None:
    roll_out_under_load(stack, ROLLOUTS, SOCKETS, PAUSE_S)


def roll_out_under_load(
    stack: Stack, rollouts: int, sockets: int, pause_s: float, say: Callable[[str], None] = print
) -> None:
    """Pushes and configuration changes in turn, under GETs, POSTs, streams and WebSockets; nobody may notice."""
    checkout = stack.app("busy", replicas=2)
    stack.deploy("busy", checkout, "v0", slipway__toml=SETTINGS)
    retired_at = {}
    """What the app called itself → when its successor was live, which is before any edge had to do without it."""
    name = "v0/"
    switches: list[Switch] = []
    with load(stack.port, "busy.localhost", streamers=STREAMERS, sockets=sockets, pause_s=pause_s) as clients:
        for number in range(1, rollouts + 1):
            began = time.monotonic()
            deployment = _roll_out(stack, checkout, number)
            retired_at[name] = _live_at(deployment)
            name = f"v{number - (number % 4 == 0)}/" + (f"v{number - number % 4}" if number >= 4 else "")
            switches.append(Switch(name.partition("/")[0], _step_at(deployment, "switch"), _live_at(deployment)))
            say(f"rollout {number} of {rollouts}: {time.monotonic() - began:.1f} s")
        ended_at = time.time()
        tally = clients.stop()
    assert tally.failures == []
    assert stack.get("busy").text in tally.versions
    _check_versions(tally, switches)
    _check_streams(tally, switches)
    _check_sockets(tally, retired_at | {name: float("inf")}, ended_at, sockets)
    eventually(lambda: len(stack.containers("name=-busy-web-")) == 2, what="only the last release's replicas run")


def _roll_out(stack: Stack, checkout: Checkout, number: int) -> dict[str, Any]:
    """Every fourth is a configuration change."""
    if number % 4:
        return stack.deploy("busy", checkout, f"v{number}")
    changed = stack.call("PATCH", "/apps/busy/variables", {"set": {"ROUND": f"v{number}"}})["deployment"]
    deployment = stack.ended(changed["id"])
    assert deployment["state"] == "live"
    return deployment


def _live_at(deployment: dict[str, Any]) -> float:
    """Unix seconds. The agent takes the old replicas out of use after it has written this."""
    return _step_at(deployment, "drain")


def _step_at(deployment: dict[str, Any], name: str) -> float:
    [step] = [step for step in deployment["steps"] if step["name"] == name]
    return datetime.fromisoformat(step["started_at"]).timestamp()


def _check_versions(tally: Tally, switches: list[Switch]) -> None:
    """The old version answers what was asked until the new one is live, the new one from the switch on; between them it
    may be either, and no other."""
    serves = {"v0": (0.0, float("inf"))}
    for old, new in pairwise([Switch("v0", 0.0, 0.0), *switches]):
        if new.version != old.version:
            serves[old.version] = serves[old.version][0], new.live_at
            serves[new.version] = new.begun_at, float("inf")
    assert tally.spans.keys() == serves.keys(), "every version answered, and no other"
    for version, (first_answer_at, last_question_at) in tally.spans.items():
        since, until = serves[version]
        assert first_answer_at >= since, f"{version} answered before its switch"
        assert last_question_at <= until, f"{version} was asked after its successor was live"


def _check_streams(tally: Tally, switches: list[Switch]) -> None:
    """At each switch one was open before it, came whole from the old version, and ended after the new one was live."""
    for old, new in pairwise([Switch("v0", 0.0, 0.0), *switches]):
        assert [
            each
            for each in tally.streams
            if each.version == old.version and each.began_at < new.begun_at and each.ended_at > new.live_at
        ], new


def _check_sockets(tally: Tally, retired_at: dict[str, float], ended_at: float, sockets: int) -> None:
    """Each lived on one replica, which closed it properly, and not before the grace was over."""
    assert [life for life in tally.lives if life.end not in (CLOSED_BY_REPLICA, CLOSED_BY_CLIENT)] == []
    # a client that was stopped before its first word never learned who answers
    lives = [life for life in tally.lives if life.echoes or life.end != CLOSED_BY_CLIENT]
    for life in lives:
        if life.end == CLOSED_BY_REPLICA:
            assert life.ended_at >= retired_at[life.replica] + SOCKETS_GRACE_S, life
        assert life.ended_at <= retired_at[life.replica] + SOCKETS_GRACE_S + LATE_S, life
    open_at_the_end = [life for life in tally.lives if life.ended_at >= ended_at]
    assert len(open_at_the_end) >= sockets
    assert _kept_through(lives, retired_at), "no socket outlived its replica's retirement"


def _kept_through(lives: list[Life], retired_at: dict[str, float]) -> list[Life]:
    return [life for life in lives if life.ended_at > retired_at[life.replica]]
