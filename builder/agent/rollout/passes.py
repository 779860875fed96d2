"""One pass over one app: look, decide, do, and look again, until there is nothing to do but wait."""

from __future__ import annotations

import logging

from builder.agent.parts import REASON, Parts, Scope
from builder.agent.rollout.carry_out import carry_out
from builder.agent.rollout.view import Looker, environments, load
from slipway import logs
from slipway.core.rollout import decide

log = logging.getLogger(__name__)

_ROUNDS = 25
"""More rounds than any honest change needs; the rest happens in the next pass."""
_PAUSE_S = 0.5
"""What could not be done is tried again this much later."""


def run(parts: Parts, app_id: int) -> float | None:
    """Do what the app needs now. Returns when to look again at the latest (Unix seconds; None: when told)."""
    with logs.bind(app_id=app_id):
        for _ in range(_ROUNDS):
            acted, look_at = _round(parts, app_id)
            if not acted:
                return look_at
    return parts.clock()


def _round(parts: Parts, app_id: int) -> tuple[bool, float | None]:
    busy = parts.chores.busy()
    with parts.db.read(platform=REASON) as session:
        rows = load(session, app_id)
    if rows is None:
        return False, None
    observed = parts.reality.of(app_id)
    looker = Looker(parts, rows, observed, busy)
    acted, waits = False, []
    for environment in environments(rows):
        plan = decide(looker.view(environment))
        scope = Scope(app_id, rows.app.tenant_id, environment)
        for action in plan.actions:
            log.debug("do", extra={"action": repr(action)})
            if carry_out(parts, scope, action):
                acted = True
            else:
                waits.append(parts.clock() + _PAUSE_S)
        if plan.look_at is not None:
            waits.append(plan.look_at)
    return acted, min(waits, default=None)
