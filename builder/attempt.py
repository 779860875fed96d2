"""One attempt at one deployment: what every step of it needs, and the two things that it records on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.dependencies import Dependencies
from builder.lease import Heartbeat, Lease, LeaseLost, Stop
from builder.live_image import live_image
from builder.output import Output
from slipway.core.deployment.ordering import Verdict, is_redundant
from slipway.core.deployment.states import State
from slipway.core.text.secret_values import secret_values
from slipway.domain import lifecycle
from slipway.models import Build
from slipway.ports.building import ImageFacts, Interrupted

shutdown_requested = threading.Event()
"""The worker was asked to end: the deployment goes back into the queue."""


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image that was built or pulled for a deployment."""

    tag: str
    facts: ImageFacts
    note: str
    """How it was made, for the step's note: `7 of 9 steps from cache`."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What else its source knows, by the names of `Build`'s columns."""


class Attempt:
    """Opens the deployment's secrets, and ties together its lease, its heartbeat and its log.

    Raises:
        SealBroken: a secret can't be opened.
    """

    def __init__(self, dependencies: Dependencies, lease: Lease) -> None:
        self.dependencies = dependencies
        self.lease = lease
        self.work = lease.work
        self._started_at = time.monotonic()
        place = (self.work.tenant_id, self.work.app_id)
        opened = dependencies.vault.open
        self.secrets = {
            name: opened(sealed, *place, self.work.environment, name) for name, sealed in self.work.variables.items()
        }
        sealed = self.work.credential
        self.credential = opened(sealed, *place, "credential") if sealed else None
        chosen = dependencies.settings
        self.heartbeat = Heartbeat(lease, interval_s=chosen.heartbeat_s, lapse_s=chosen.lapse_s)
        password = (self.credential or "").partition(":")[2]
        variables = secret_values(self.secrets, self.work.secret_names)
        hidden = filter(None, [*variables, self.credential, password, *chosen.tokens_of_forges])
        self.output = Output(dependencies.log, self.work.deployment_id, hidden, self.is_lease_lost)

    def is_lease_lost(self) -> bool:
        """Has the heartbeat found that the lease is lost?"""
        return self.heartbeat.stop is not None and self.heartbeat.stop.lease_lost

    def elapsed_s(self) -> float:
        """Seconds since the attempt began."""
        return time.monotonic() - self._started_at

    # stopping

    def stopped(self) -> bool:
        """Shall the work stop? The steps ask this while they wait."""
        return self.heartbeat.stopped() or shutdown_requested.is_set()

    def raise_if_stopped(self) -> None:
        """Raises `Interrupted` when the work shall stop."""
        if self.stopped():
            raise Interrupted

    def apply(self, verdict: Verdict) -> None:
        """Raises `Interrupted` when the verdict ends the deployment, or the work shall stop for another reason."""
        if not verdict.goes_on:
            self.heartbeat.stop = self.heartbeat.stop or Stop.by(verdict)
        self.raise_if_stopped()

    def stop_if_redundant(self, version: str) -> None:
        """Raises `Interrupted` when the deployment was asked for by hand and this version is live already."""
        with self.dependencies.db.read(tenant_id=self.work.tenant_id) as session:
            live = live_image(session, self.work)
        verdict = is_redundant(self.work.candidate.kind, version, live)
        if live and not verdict.goes_on:  # the commit is not fetched, so its own message stays unknown
            with self.lease.write() as (_, row):
                row.message = row.message or live.message
        self.apply(verdict)

    # recording

    def record_version(self, version: str) -> None:
        """Write down which commit, or which image digest, the deployment is of, unless its row says so already."""
        if version == self.work.commit_sha:
            return
        with self.lease.write() as (_, row):
            row.commit_sha = version

    def record_image(self, image: MadeImage) -> None:
        """Write down the image and move the deployment to `starting`, in one transaction. An image whose deployment was
        stopped meanwhile is removed.

        Raises:
            LeaseLost: another worker may have claimed the deployment.
            Interrupted: the work shall stop.
        """
        try:
            self.raise_if_stopped()
            with self.lease.write() as (session, row):
                session.add(
                    Build(
                        tenant_id=row.tenant_id,
                        app_id=row.app_id,
                        deployment_id=row.id,
                        image=image.tag,
                        digest=image.facts.digest,
                        exposed_port=image.facts.exposed_port,
                        size_bytes=image.facts.size_bytes,
                        **image.columns,
                    )
                )
                lifecycle.note_step(row, image.note)
                lifecycle.advance(row, State.STARTING)
        except (LeaseLost, Interrupted):
            self.dependencies.images.remove_image(image.tag)
            raise
