"""One pass over one app: look, decide, do, and look again, until there is nothing to do but wait."""

from __future__ import annotations

import logging

from builder.agent.dependencies import REASON, Dependencies, Scope
from builder.agent.rollout.actions import execute
from builder.agent.rollout.state_loader import StateLoader, environments, load
from slipway import logs
from slipway.core.rollout.decide import decide

log = logging.getLogger(__name__)

_ROUNDS = 25
"""More rounds than any honest change needs; the rest happens in the next pass."""
_PAUSE_S = 0.5
"""What could not be done is tried again this much later."""


def run(dependencies: Dependencies, app_id: int) -> float | None:
    """Do what the app needs now. Returns when to look again at the latest (Unix seconds; None: when told)."""
    with logs.bind(app_id=app_id):
        for _ in range(_ROUNDS):
            acted, look_at = _round(dependencies, app_id)
            if not acted:
                return look_at
    return dependencies.clock()


def _round(dependencies: Dependencies, app_id: int) -> tuple[bool, float | None]:
    busy = dependencies.background_tasks.busy()
    with dependencies.db.read(platform=REASON) as session:
        rows = load(session, app_id)
    if rows is None:
        return False, None
    observed = dependencies.observed_state.of(app_id)
    loader = StateLoader(dependencies, rows, observed, busy)
    acted, waits = False, []
    for environment in environments(rows):
        plan = decide(loader.view(environment))
        scope = Scope(app_id, rows.app.tenant_id, environment)
        for action in plan.actions:
            log.debug("do", extra={"action": repr(action)})
            if execute(dependencies, scope, action):
                acted = True
            else:
                waits.append(dependencies.clock() + _PAUSE_S)
        if plan.look_at is not None:
            waits.append(plan.look_at)
    return acted, min(waits, default=None)
