"""Every action and what carries it out. Each returns whether it changed, or began, anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from builder.agent.rollout.deployment_actions import DeploymentActions
from builder.agent.rollout.explaining_failures import Failures
from builder.agent.rollout.pre_deploy import PreDeploy
from builder.agent.rollout.replica_actions.probes import ReplicaProbes
from builder.agent.rollout.replica_actions.removal import ReplicaRemoval
from builder.agent.rollout.replica_actions.start import ReplicaCreation, ReplicaStart
from builder.agent.rollout.watching import Watching
from builder.agent.scope import Scope
from slipway.core.rollout import actions

ActionTable = Mapping[type[Any], Callable[[Scope, Any], bool]]


def action_table(
    *,
    deployments: DeploymentActions,
    pre_deploy: PreDeploy,
    watching: Watching,
    failures: Failures,
    creation: ReplicaCreation,
    start: ReplicaStart,
    probes: ReplicaProbes,
    replica_removal: ReplicaRemoval,
) -> ActionTable:
    return {
        actions.Freeze: deployments.freeze,
        actions.RunPreDeploy: pre_deploy.run,
        actions.Switch: deployments.switch,
        actions.SetTargets: deployments.set_targets,
        actions.GoLive: deployments.go_live,
        actions.ProbeWatched: probes.probe_watched,
        actions.GiveWay: watching.give_way,
        actions.EndWatch: watching.end,
        actions.EndDrain: deployments.end_drain,
        actions.Fail: failures.fail,
        actions.Stop: deployments.stop,
        actions.CreateReplica: creation.create,
        actions.Launch: start.launch,
        actions.Adopt: start.adopt,
        actions.ProbeReplica: probes.probe,
        actions.MarkReady: probes.mark_ready,
        actions.MarkCrashed: replica_removal.mark_crashed,
        actions.Reuse: replica_removal.reuse,
        actions.Drain: replica_removal.drain,
        actions.Remove: replica_removal.remove,
    }
