"""Failures of replicas, as the deployment's error names them."""

from __future__ import annotations

from slipway.core.rollout.crash import Crash, more_memory
from slipway.core.rollout.failure import START_CRASHED, STOPPED_ANSWERING, Failure
from slipway.core.rollout.view import Replica


def _name(replica: Replica) -> str:
    return f"replica {replica.process}.{replica.slot}"


def ended(replica: Replica, memory_bytes: int) -> Failure:
    """Its container runs no longer. `memory_bytes`: what it may use; 0: unknown."""
    container = replica.container
    if container is None:
        return vanished(replica)
    crash = Crash(container.id, 0.0, container.exit_code, container.oom_killed, memory_bytes)
    if crash.out_of_memory:
        return Failure(START_CRASHED, f"{_name(replica)} ended: {crash.cause}", more_memory(memory_bytes))
    return Failure(START_CRASHED, f"{_name(replica)} ended with {crash.cause}", exit_code=container.exit_code)


def vanished(replica: Replica) -> Failure:
    return Failure(START_CRASHED, f"{_name(replica)} vanished from the container runtime")


def unanswered(replica: Replica) -> Failure:
    """It was ready, and answers no probe any more."""
    probe = replica.watch_probe
    assert probe is not None  # noqa: S101 - the caller checked
    assert probe.error is not None  # noqa: S101 - it failed
    message = f"{_name(replica)} stopped answering: {probe.error.message} ({probe.failures} tries in a row)"
    return Failure(STOPPED_ANSWERING, message, probe=probe.error)
