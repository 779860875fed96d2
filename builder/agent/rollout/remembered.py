"""What the agent remembers of replicas between passes. It can be lost at any time, and then passes take longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.core.rollout.failure import Failure, ProbeError
from slipway.core.rollout.view import Probe, WatchProbe


@dataclass(frozen=True, slots=True)
class ReplicaHints:
    """Of one replica, at one moment."""

    probe: Probe | None = None
    """The last one while it starts."""
    refusal: Failure | None = None
    """Why the last try to start it failed."""
    watch_probe: WatchProbe | None = None
    """Once it is ready, while its release is watched."""


@dataclass(frozen=True, slots=True)
class Hints:
    """Background tasks write it, and passes read it."""

    probes: dict[str, Probe] = field(default_factory=dict)
    refusals: dict[str, Failure] = field(default_factory=dict)
    watch_probes: dict[str, WatchProbe] = field(default_factory=dict)
    confirmed_at: dict[str, float] = field(default_factory=dict)
    """Replica → when every edge was first seen to have confirmed its removal (Unix seconds)."""

    def of(self, replica_ids: Iterable[str]) -> Mapping[str, ReplicaHints]:
        return {
            each: ReplicaHints(self.probes.get(each), self.refusals.get(each), self.watch_probes.get(each))
            for each in replica_ids
        }

    def last_probe(self, replica_id: str) -> dict[str, Any] | None:
        """How the last probe of a replica went, for the internal API. None: it is not probed now."""
        probe, watch = self.probes.get(replica_id), self.watch_probes.get(replica_id)
        if probe is not None:
            return _shown(None, probe.pace.tries if probe.error else 0, probe.error)
        return None if watch is None else _shown(watch.ended_at, watch.failures, watch.error)

    def forget(self, replica_id: str) -> None:
        for known in (self.probes, self.refusals, self.watch_probes, self.confirmed_at):
            known.pop(replica_id, None)


def _shown(at: float | None, failures: int, error: ProbeError | None) -> dict[str, Any]:
    """`at`: None where nobody wrote it down."""
    return {"at": at, "answered": error is None, "failures": failures, "error": error.message if error else None}
