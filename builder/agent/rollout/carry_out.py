"""Every action and what carries it out. Each says whether it changed, or began, anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builder.agent.parts import Parts, Scope
from builder.agent.rollout import deploying, failures, pre_deploy, staffing, watching
from slipway.core import fleet

DO: dict[type[Any], Callable[[Parts, Scope, Any], bool]] = {
    fleet.Begin: deploying.begin,
    fleet.RunPreDeploy: pre_deploy.run,
    fleet.Switch: deploying.switch,
    fleet.SetTargets: deploying.set_targets,
    fleet.GoLive: deploying.go_live,
    fleet.AskReplica: staffing.ask,
    fleet.GiveWay: watching.give_way,
    fleet.EndWatch: watching.end,
    fleet.EndDrain: deploying.end_drain,
    fleet.Fail: failures.fail,
    fleet.Stop: deploying.stop,
    fleet.CreateReplica: staffing.create,
    fleet.Launch: staffing.launch,
    fleet.Adopt: staffing.adopt,
    fleet.ProbeReplica: staffing.probe,
    fleet.MarkReady: staffing.mark_ready,
    fleet.MarkCrashed: staffing.mark_crashed,
    fleet.Reuse: staffing.reuse,
    fleet.Drain: staffing.drain,
    fleet.Remove: staffing.remove,
}


def carry_out(parts: Parts, scope: Scope, action: fleet.Action) -> bool:
    """Do one action."""
    return DO[type(action)](parts, scope, action)
