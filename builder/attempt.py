"""One attempt at one deployment, as everything that works on it sees it: the hold, the heart, the log, the secrets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from builder.dependencies import Dependencies
from builder.heartbeat import Heartbeat, Stop
from builder.lease import Lease, LeaseLost
from builder.live_image import live_image
from builder.output import Output
from slipway.core.deployment.ordering import Verdict, is_redundant
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import Build
from slipway.ports.building import ImageFacts, Interrupted

shutdown_requested = threading.Event()
"""This process was asked to end: what it has in hand goes back into the queue."""


class Attempt:
    """`is_stale` compares a push with its branch's head, when a newer one has come. Made, it raises `SealBroken` when a
    secret does not open."""

    def __init__(self, dependencies: Dependencies, lease: Lease, is_stale: Callable[[], Verdict]) -> None:
        self.dependencies = dependencies
        self.lease = lease
        self.work = lease.work
        self.begun = time.monotonic()
        place = (self.work.tenant_id, self.work.app_id)
        opened = dependencies.vault.open
        self.secrets = {
            name: opened(sealed, *place, self.work.environment, name) for name, sealed in self.work.variables.items()
        }
        sealed = self.work.credential
        self.credential = opened(sealed, *place, "credential") if sealed else None
        chosen = dependencies.settings
        self.heartbeat = Heartbeat(lease, interval_s=chosen.heartbeat_s, lapse_s=chosen.lapse_s, is_stale=is_stale)
        password = (self.credential or "").partition(":")[2]
        hidden = filter(None, [*self.secrets.values(), self.credential, password, chosen.github_token])
        self.output = Output(dependencies.log, self.work.deployment_id, hidden, self.is_lease_lost)

    def is_lease_lost(self) -> bool:
        """The deployment is in other hands."""
        return self.heartbeat.stop is not None and self.heartbeat.stop.lost

    def stopped(self) -> bool:
        return self.heartbeat.stopped() or shutdown_requested.is_set()

    def go_on(self) -> None:
        """Raises `Interrupted` when the work shall stop."""
        if self.stopped():
            raise Interrupted

    def go_on_if(self, verdict: Verdict) -> None:
        """Raises `Interrupted` when the verdict, or something else, says so."""
        if not verdict.goes_on:
            self.heartbeat.stop = self.heartbeat.stop or Stop.by(verdict)
        self.go_on()

    def pin(self, version: str) -> None:
        """What the deployment is of, found out: a commit, or an image's digest."""
        with self.lease.write() as (_, row):
            row.commit_sha = version

    def go_on_if_new(self, version: str) -> None:
        """Raises `Interrupted` when this was asked for by hand, and is live already."""
        with self.dependencies.db.read(tenant_id=self.work.tenant_id) as session:
            live = live_image(session, self.work)
        verdict = is_redundant(self.work.candidate.kind, version, live)
        if live and not verdict.goes_on:  # it is not fetched, so that its own words are not known
            with self.lease.write() as (_, row):
                row.message = row.message or live.message
        self.go_on_if(verdict)

    def start(self, image: str, facts: ImageFacts, *, note: str, **found: Any) -> None:
        """The image (by its tag here) is known and the wish to run it stands, in one transaction. One that nobody waits
        for any more is removed. `found` is what else its source told, as the build's columns."""
        try:
            self.go_on()
            with self.lease.write() as (session, row):
                session.add(
                    Build(
                        tenant_id=row.tenant_id,
                        app_id=row.app_id,
                        deployment_id=row.id,
                        image=image,
                        digest=facts.digest,
                        exposed_port=facts.exposed_port,
                        size_bytes=facts.size_bytes,
                        **found,
                    )
                )
                lifecycle.note_step(row, note)
                lifecycle.advance(row, State.STARTING)
        except (LeaseLost, Interrupted):
            self.dependencies.images.remove_image(image)
            raise
