"""What the agent works with, put together once in `__main__` and in tests."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from builder.agent.background_tasks import BackgroundTasks
from builder.agent.observed_state import ObservedState
from builder.agent.rollout.probing import Prober
from builder.agent.routes.publishing import RouteSync
from slipway.adapters.vault import Vault
from slipway.core.rollout.fleet import Answers, Failure, Probe
from slipway.db import Database
from slipway.ports.clock import Clock
from slipway.ports.routes import RoutePublisher
from slipway.ports.runtime import ContainerRuntime
from slipway.settings import Settings

REASON = "agent: compare wish and reality"


@dataclass(slots=True)
class Hints:
    """What the agent remembers between passes only to be quick or precise. Losing it costs time, nothing else."""

    probes: dict[str, Probe] = field(default_factory=dict)
    refusals: dict[str, Failure] = field(default_factory=dict)
    confirmed_at: dict[str, float] = field(default_factory=dict)
    """Replica → when every edge was first seen to have confirmed its removal."""
    answers: dict[str, Answers] = field(default_factory=dict)
    """Of ready replicas whose release is watched."""
    activated_at: dict[int, float] = field(default_factory=dict)
    """App → when its back-off was last ended early."""

    def forget(self, replica_id: str) -> None:
        for known in (self.probes, self.refusals, self.confirmed_at, self.answers):
            known.pop(replica_id, None)


@dataclass(frozen=True, slots=True)
class Dependencies:
    settings: Settings
    db: Database
    runtime: ContainerRuntime
    publisher: RoutePublisher
    vault: Vault
    prober: Prober
    background_tasks: BackgroundTasks
    observed_state: ObservedState
    routes: RouteSync
    clock: Clock = time.time
    """Unix seconds."""
    hints: Hints = field(default_factory=Hints)


@dataclass(frozen=True, slots=True)
class Scope:
    """The app and environment that a pass is about."""

    app_id: int
    tenant_id: int
    environment: str
