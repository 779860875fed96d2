"""A deploy never fails a request, and never cuts a WebSocket before its grace is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.fixtures.load import Tally, load
from tests.fixtures.sockets import CLOSED_BY_CLIENT, WENT_AWAY, Life
from tests.fixtures.stack import Checkout, Stack
from tests.fixtures.waiting import eventually

ROLLOUTS = 20
SOCKETS = 200
SOCKETS_GRACE_S = 3.0
SETTINGS = f"""\
health_path = "/health"

[timeouts]
drain_s = 2
websocket_drain_s = {SOCKETS_GRACE_S}
stop_s = 2
"""
LATE_S = 15.0
"""What the agent and a busy host may take beyond the grace."""


def test_rollouts_under_load_with_open_streams_and_sockets_fail_nobody(stack: Stack) -> None:
    roll_out_under_load(stack, ROLLOUTS)


def roll_out_under_load(stack: Stack, rollouts: int, say: Callable[[str], None] = print) -> None:
    """Pushes and configuration changes in turn, under GETs, POSTs, streams and WebSockets; nobody may notice."""
    checkout = stack.app("busy", replicas=2)
    stack.deploy("busy", checkout, "v0", slipway__toml=SETTINGS)
    versions = {"v0"}
    retired_at = {}
    """What the app called itself → when its successor was live, which is before any edge had to do without it."""
    name = "v0/"
    with load(stack.port, "busy.localhost", sockets=SOCKETS) as clients:
        for number in range(1, rollouts + 1):
            began = time.monotonic()
            deployment = _roll_out(stack, checkout, number)
            retired_at[name] = _live_at(deployment)
            name = f"v{number - (number % 4 == 0)}/" + (f"v{number - number % 4}" if number >= 4 else "")
            versions.add(name.partition("/")[0])
            say(f"rollout {number} of {rollouts}: {time.monotonic() - began:.1f} s")
        ended_at = time.time()
        tally = clients.stop()
    assert tally.failures == []
    assert set(tally.versions) <= versions
    assert stack.get("busy").text in tally.versions
    assert tally.streams >= rollouts
    _check_sockets(tally, retired_at | {name: float("inf")}, ended_at)
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
    [drain] = [step for step in deployment["steps"] if step["name"] == "drain"]
    return datetime.fromisoformat(drain["started_at"]).timestamp()


def _check_sockets(tally: Tally, retired_at: dict[str, float], ended_at: float) -> None:
    """Each lived on one replica, which closed it properly, and not before the grace was over."""
    assert [life for life in tally.lives if life.end not in (WENT_AWAY, CLOSED_BY_CLIENT)] == []
    # whoever was told to stop before its first word never learned who answers
    lives = [life for life in tally.lives if life.echoes or life.end != CLOSED_BY_CLIENT]
    for life in lives:
        if life.end == WENT_AWAY:
            assert life.ended_at >= retired_at[life.replica] + SOCKETS_GRACE_S, life
        assert life.ended_at <= retired_at[life.replica] + SOCKETS_GRACE_S + LATE_S, life
    open_at_the_end = [life for life in tally.lives if life.ended_at >= ended_at]
    assert len(open_at_the_end) >= SOCKETS
    assert _kept_through(lives, retired_at), "no socket outlived its replica's retirement"


def _kept_through(lives: list[Life], retired_at: dict[str, float]) -> list[Life]:
    return [life for life in lives if life.ended_at > retired_at[life.replica]]
