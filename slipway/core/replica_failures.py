"""What a replica's end is called in the deployment's error."""

from __future__ import annotations

from slipway.core.fleet import Failure, Replica

FOREGROUND = (
    "its main process must stay in the foreground and serve until it gets SIGTERM: no --daemon, no parent that forks "
    "and ends"
)


def called(replica: Replica) -> str:
    return f"replica {replica.process}-{replica.slot}"


def ended(replica: Replica) -> Failure:
    """Its container runs no longer."""
    container = replica.container
    if container and container.oom_killed:
        message = f"{called(replica)} was killed: it needed more memory than it may use"
        return Failure("start-crashed", message, "give it more: memory_mb under [resources] in slipway.toml")
    code = container.exit_code if container else None
    how = "no exit code" if code is None else f"exit code {code}"
    return Failure("start-crashed", f"{called(replica)} ended with {how}", FOREGROUND if code == 0 else "")


def vanished(replica: Replica) -> Failure:
    return Failure("start-crashed", f"{called(replica)} vanished from the container runtime")


def unanswered(replica: Replica) -> Failure:
    """It was ready, and answers no probe any more."""
    answers = replica.answers
    assert answers is not None  # noqa: S101 - the caller counted its failures
    message = f"{called(replica)} stopped answering: {answers.error} ({answers.failures} tries in a row)"
    return Failure("stopped-answering", message)
