"""A deploy never fails a request."""

from __future__ import annotations

from tests.fixtures.load import load
from tests.fixtures.stack import Stack
from tests.fixtures.waiting import eventually

ROLLOUTS = 20


def test_rollouts_under_load_with_open_streams_fail_no_request(stack: Stack) -> None:
    roll_out_under_load(stack, ROLLOUTS)


def roll_out_under_load(stack: Stack, rollouts: int) -> None:
    """Pushes and configuration changes in turn, under GETs, POSTs and streams; not one request may fail."""
    checkout = stack.app("busy", replicas=2)
    stack.deploy("busy", checkout, "v0")
    expected = {"v0"}
    with load(stack.port, "busy.localhost") as clients:
        for number in range(1, rollouts + 1):
            version = f"v{number}"
            expected.add(version)
            if number % 4 == 0:
                rolled = stack.call("PATCH", "/apps/busy/variables", {"set": {"ROUND": version}})["deployment"]
                expected.discard(version)
                assert stack.ended(rolled["id"])["state"] == "live"
            else:
                stack.deploy("busy", checkout, version)
        tally = clients.stop()
    assert tally.failures == []
    assert set(tally.versions) <= expected
    assert stack.get("busy").text in tally.versions
    assert tally.streams >= rollouts
    eventually(lambda: len(stack.containers("label=slipway.app")) >= 2)
