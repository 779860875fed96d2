"""What the agent remembers of replicas between passes. It can be lost at any time, and then passes take longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from slipway.core.rollout.failure import Failure
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

    def forget(self, replica_id: str) -> None:
        for known in (self.probes, self.refusals, self.watch_probes, self.confirmed_at):
            known.pop(replica_id, None)
