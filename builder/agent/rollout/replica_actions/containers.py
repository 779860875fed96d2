"""Containers of replicas: started from their rows, removed without losing what they printed."""

from __future__ import annotations

from collections.abc import Iterable

from builder.agent.observed_state import ObservedState
from builder.agent.rollout.crashes import output_notes
from builder.agent.rollout.releases.specs import Place, spec_of
from builder.agent.routes import address_quarantine
from builder.agent.scope import REASON
from builder.agent.telemetry.output import OutputStore
from slipway.adapters.vault import Vault
from slipway.core.rollout.replica_states import CRASHED, STARTING
from slipway.db import Database
from slipway.domain import replica_lifecycle
from slipway.models import Release, Replica, now
from slipway.ports.clock import Clock
from slipway.ports.runtime import ContainerRuntime


class ContainerRemoval:
    def __init__(self, runtime: ContainerRuntime, observed_state: ObservedState, store: OutputStore) -> None:
        self._runtime = runtime
        self._observed_state = observed_state
        self._store = store

    def stop_and_remove(self, replica_id: str, container_id: str, notes: Iterable[bytes], *, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after `grace_s`."""
        self._runtime.stop(container_id, grace_s=grace_s)
        self.remove(replica_id, container_id, notes)

    def remove(self, replica_id: str, container_id: str, notes: Iterable[bytes] = ()) -> None:
        """Its output is kept first, with the platform's own `notes` among its lines."""
        self._store.keep(replica_id, container_id, notes)
        self.remove_task(container_id)

    def remove_task(self, container_id: str) -> None:
        """A pre-deploy command's container: nothing of it is kept."""
        self._runtime.remove(container_id)
        self._observed_state.changed()


class ContainerStart:
    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        vault: Vault,
        observed_state: ObservedState,
        removal: ContainerRemoval,
        clock: Clock,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._vault = vault
        self._observed_state = observed_state
        self._removal = removal
        self._clock = clock

    def start(self, replica_id: str) -> None:
        """Remove what is left of an earlier container, then start a new one and record it.

        Raises:
            SlipwayError: it can't be started.
        """
        self._remove_earlier(replica_id)
        with self._db.read(platform=REASON) as session:
            row = session.get_one(Replica, replica_id)
            if row.state != STARTING:
                return
            release = session.get_one(Release, row.release_id)
            place = Place(row.id, row.process, row.slot, row.deployment_id)
            spec = spec_of(session, self._vault, release, place)
        started = self._runtime.start(spec)
        self._observed_state.changed()
        with self._db.write(platform=REASON) as session:
            row = session.get_one(Replica, replica_id)
            row.container_id, row.address, row.started_at = started.container_id, started.address, now()
            address_quarantine.hold(session, row)

    def _remove_earlier(self, replica_id: str) -> None:
        with self._db.read(platform=REASON) as session:
            row = session.get_one(Replica, replica_id)
            notes = output_notes(session, row, self._clock())
        if row.container_id is None and row.state == STARTING:
            return
        if row.container_id is not None:
            self._removal.remove(replica_id, row.container_id, notes)
        with self._db.write(platform=REASON) as session:
            row = session.get_one(Replica, replica_id)
            if row.state == CRASHED:
                replica_lifecycle.advance(row, STARTING)
            row.container_id = None
