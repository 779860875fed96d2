"""How work reaches a worker. SQL remembers the work; the queue only carries it."""

from __future__ import annotations

from typing import Protocol


class DeploymentQueue(Protocol):
    """Nothing here raises when the queue is unreachable: the agent enqueues every deployment whose heartbeat is
    stale."""

    def enqueue_build(self, deployment_id: int, attempt: int) -> bool:
        """Queue one attempt, once: the same attempt enqueued again is no second job. False: the queue is
        unreachable."""
        ...

    def build_is_pending(self, deployment_id: int, attempt: int, *, claimed_within_s: float) -> bool | None:
        """Whether a worker will still claim this attempt: its job waits, or a worker got it less than
        `claimed_within_s` ago. None: the queue is unreachable."""
        ...

    def wake_agent(self, app_id: int) -> None:
        """Publish that the app's desired state changed (`slipway.ports.events.AppChanged`)."""
        ...


class CertificateQueue(Protocol):
    """Nor does anything here: the agent enqueues every certificate that is due."""

    def enqueue_certificate(self, certificate_id: int, lease: int) -> bool:
        """Queue a job that claims this lease, once. False: the queue is unreachable."""
        ...
