"""Puts the agent's components together. Each gets only what it needs; only this module and `service` see all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builder.agent.attached.doing import TaskWork
from builder.agent.attached.reconciling import ServiceReconciler
from builder.agent.background_tasks import BackgroundTasks
from builder.agent.container_events import ContainerEvents
from builder.agent.maintenance.orphans import Orphans
from builder.agent.observed_state import ObservedState
from builder.agent.rollout.actions import ActionTable, action_table
from builder.agent.rollout.deployment_actions import DeploymentActions
from builder.agent.rollout.explaining_failures import Failures
from builder.agent.rollout.pre_deploy import PreDeploy
from builder.agent.rollout.probing import Prober
from builder.agent.rollout.reconcile import Reconciler
from builder.agent.rollout.remembered import Hints
from builder.agent.rollout.replica_actions.containers import ContainerRemoval, ContainerStart
from builder.agent.rollout.replica_actions.probes import ReplicaProbes
from builder.agent.rollout.replica_actions.removal import ReplicaRemoval
from builder.agent.rollout.replica_actions.start import ReplicaCreation, ReplicaStart
from builder.agent.rollout.state_loader import StateLoader
from builder.agent.rollout.watching import Watching
from builder.agent.routes.activation import Activation
from builder.agent.routes.address_quarantine import AddressQuarantine
from builder.agent.routes.publishing import RouteSync
from builder.agent.runs.ending import RunEnding
from builder.agent.runs.output import HolderOutput, RunOutput
from builder.agent.runs.reconciling import RunReconciler
from builder.agent.runs.starting import RunStart
from builder.agent.telemetry.output import OutputStore
from builder.agent.telemetry.replica_output import ReplicaOutput
from builder.agent.terminals.opening import Terminals
from slipway.adapters.backup_files import BackupFiles
from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import Defaults
from slipway.db import Database
from slipway.ports.clock import Clock
from slipway.ports.routes import RoutePublisher
from slipway.ports.runtime import ContainerRuntime
from slipway.settings import OFF, Settings


@dataclass(frozen=True, slots=True)
class Adapters:
    """What the agent reaches outside of itself."""

    db: Database
    runtime: ContainerRuntime
    publisher: RoutePublisher
    vault: Vault
    prober: Prober
    clock: Clock = time.time
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Components:
    observed_state: ObservedState
    background_tasks: BackgroundTasks
    routes: RouteSync
    reconciler: Reconciler
    runs: RunReconciler
    services: ServiceReconciler
    backups: BackupFiles
    actions: ActionTable
    activation: Activation
    container_events: ContainerEvents
    quarantine: AddressQuarantine
    orphans: Orphans
    output_store: OutputStore
    replica_output: ReplicaOutput
    holder_output: HolderOutput
    terminals: Terminals
    last_probe: Callable[[str], dict[str, Any] | None]
    """Of a replica."""


def assemble(
    settings: Settings,
    adapters: Adapters,
    background_tasks: BackgroundTasks,
    published: Callable[[], None] = lambda: None,
) -> Components:
    """`published` is called after routes were published."""
    return _Assembly(settings, adapters, background_tasks, published).components()


class _Assembly:
    """Holds what several components share."""

    def __init__(
        self, settings: Settings, adapters: Adapters, tasks: BackgroundTasks, published: Callable[[], None]
    ) -> None:
        db, runtime = adapters.db, adapters.runtime
        self._settings, self._adapters, self._tasks = settings, adapters, tasks
        self._hints = Hints()
        self._observed_state = ObservedState(runtime, max_age_s=settings.reconcile_s)
        self._routes = RouteSync(db, adapters.publisher, published, sign_on=settings.keycloak != OFF)
        self._store = OutputStore(runtime, settings.log_dir / "replicas", settings.output_kept_bytes)
        self._backups = BackupFiles(settings.backup_dir, adapters.vault, floor_bytes=settings.disk_floor_bytes)
        self._quarantine = AddressQuarantine(db, runtime, self._routes)
        self._removal = ContainerRemoval(runtime, self._observed_state, self._store)
        self._failures = Failures(db, runtime, adapters.vault, self._store, adapters.clock)

    def components(self) -> Components:
        db, runtime, clock = self._adapters.db, self._adapters.runtime, self._adapters.clock
        actions = self._actions()
        replica_output = ReplicaOutput(db, runtime, self._store, clock)
        loader = StateLoader(db, self._observed_state, self._tasks, self._routes, self._hints, clock)
        return Components(
            observed_state=self._observed_state,
            background_tasks=self._tasks,
            routes=self._routes,
            reconciler=Reconciler(loader, actions, clock, confirm_timeout_s=self._settings.confirm_timeout_s),
            runs=self._runs(),
            services=self._services(),
            backups=self._backups,
            actions=actions,
            activation=Activation(db, self._observed_state, self._tasks, clock),
            container_events=ContainerEvents(db, self._observed_state),
            quarantine=self._quarantine,
            orphans=Orphans(db, self._tasks, self._removal),
            output_store=self._store,
            replica_output=replica_output,
            holder_output=HolderOutput(replica_output, RunOutput(db, runtime, self._store)),
            terminals=Terminals(db, runtime),
            last_probe=self._hints.last_probe,
        )

    def _actions(self) -> ActionTable:
        return action_table(
            deployments=self._deployments(),
            pre_deploy=self._pre_deploy(),
            watching=self._watching(),
            failures=self._failures,
            creation=ReplicaCreation(self._adapters.db, self._adapters.runtime, self._failures, self._hints),
            start=self._start(),
            probes=self._probes(),
            replica_removal=self._replica_removal(),
        )

    def _deployments(self) -> DeploymentActions:
        use = self._adapters
        return DeploymentActions(
            use.db, use.runtime, self._routes, self._failures, use.clock, Defaults.of(self._settings)
        )

    def _pre_deploy(self) -> PreDeploy:
        use = self._adapters
        return PreDeploy(use.db, use.runtime, use.vault, self._tasks, self._failures)

    def _runs(self) -> RunReconciler:
        use, observed = self._adapters, self._observed_state
        start = RunStart(use.db, use.runtime, use.vault, observed)
        ending = RunEnding(use.db, use.runtime, observed, self._store, use.clock)
        return RunReconciler(use.db, observed, self._tasks, start, ending, use.clock)

    def _services(self) -> ServiceReconciler:
        use = self._adapters
        return ServiceReconciler(
            use.db, self._tasks, TaskWork(use.db, use.runtime, use.vault, self._backups), use.clock
        )

    def _watching(self) -> Watching:
        use = self._adapters
        return Watching(use.db, self._routes, self._failures, use.clock)

    def _start(self) -> ReplicaStart:
        use = self._adapters
        containers = ContainerStart(use.db, use.runtime, use.vault, self._observed_state, self._removal, use.clock)
        return ReplicaStart(use.db, self._tasks, self._observed_state, containers, self._hints)

    def _probes(self) -> ReplicaProbes:
        use = self._adapters
        return ReplicaProbes(use.db, use.prober, self._tasks, self._observed_state, self._hints, use.clock)

    def _replica_removal(self) -> ReplicaRemoval:
        return ReplicaRemoval(
            self._adapters.db,
            self._tasks,
            self._routes,
            self._quarantine,
            self._removal,
            self._hints,
            self._adapters.clock,
            stop_grace_s=self._settings.stop_grace_s,
        )
