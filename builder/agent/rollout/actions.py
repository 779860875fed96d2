"""Every action and what carries it out. Each says whether it changed, or began, anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builder.agent.dependencies import Dependencies, Scope
from builder.agent.rollout import deployment_actions, failures, pre_deploy, replica_actions, watching
from slipway.core.rollout import fleet

DO: dict[type[Any], Callable[[Dependencies, Scope, Any], bool]] = {
    fleet.Begin: deployment_actions.begin,
    fleet.RunPreDeploy: pre_deploy.run,
    fleet.Switch: deployment_actions.switch,
    fleet.SetTargets: deployment_actions.set_targets,
    fleet.GoLive: deployment_actions.go_live,
    fleet.AskReplica: replica_actions.ask,
    fleet.GiveWay: watching.give_way,
    fleet.EndWatch: watching.end,
    fleet.EndDrain: deployment_actions.end_drain,
    fleet.Fail: failures.fail,
    fleet.Stop: deployment_actions.stop,
    fleet.CreateReplica: replica_actions.create,
    fleet.Launch: replica_actions.launch,
    fleet.Adopt: replica_actions.adopt,
    fleet.ProbeReplica: replica_actions.probe,
    fleet.MarkReady: replica_actions.mark_ready,
    fleet.MarkCrashed: replica_actions.mark_crashed,
    fleet.Reuse: replica_actions.reuse,
    fleet.Drain: replica_actions.drain,
    fleet.Remove: replica_actions.remove,
}


def execute(dependencies: Dependencies, scope: Scope, action: fleet.Action) -> bool:
    """Do one action."""
    return DO[type(action)](dependencies, scope, action)
