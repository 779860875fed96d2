"""What a replica's end is called in the deployment's error."""

from __future__ import annotations

from slipway.core.rollout.crash import Crash, more_memory
from slipway.core.rollout.fleet import Failure, Replica

FOREGROUND = (
    "its main process must stay in the foreground and serve until it gets SIGTERM: no --daemon, no parent that forks "
    "and ends"
)


def called(replica: Replica) -> str:
    return f"replica {replica.process}-{replica.slot}"


def ended(replica: Replica, memory_bytes: int) -> Failure:
    """Its container runs no longer. `memory_bytes`: what it may use; 0: unknown."""
    container = replica.container
    if container is None:
        return vanished(replica)
    crash = Crash(container.id, 0.0, container.exit_code, container.oom_killed, memory_bytes)
    if crash.out_of_memory:
        return Failure("start-crashed", f"{called(replica)} ended: {crash.cause}", more_memory(memory_bytes))
    remedy = FOREGROUND if container.exit_code == 0 else ""
    return Failure("start-crashed", f"{called(replica)} ended with {crash.cause}", remedy)


def vanished(replica: Replica) -> Failure:
    return Failure("start-crashed", f"{called(replica)} vanished from the container runtime")


def unanswered(replica: Replica) -> Failure:
    """It was ready, and answers no probe any more."""
    answers = replica.answers
    assert answers is not None  # noqa: S101 - the caller counted its failures
    message = f"{called(replica)} stopped answering: {answers.error} ({answers.failures} tries in a row)"
    return Failure("stopped-answering", message)
