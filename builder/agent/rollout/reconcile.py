"""One pass over one app: load, decide, act, and again, until there is nothing to do but wait."""

from __future__ import annotations

import logging

from builder.agent.rollout.actions import ActionTable
from builder.agent.rollout.state_loader import StateLoader
from builder.agent.rollout.views import AppViews, environments
from builder.agent.scope import Scope
from slipway import logs
from slipway.core.rollout.actions import Action
from slipway.core.rollout.decide import decide
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)

_ROUNDS = 25
"""More rounds than any change needs; the rest happens in the next pass."""
_PAUSE_S = 0.5
"""What could not be done is tried again this much later."""


class Reconciler:
    def __init__(
        self,
        loader: StateLoader,
        actions: ActionTable,
        clock: Clock,
        *,
        confirm_timeout_s: float,
    ) -> None:
        self._loader = loader
        self._actions = actions
        self._clock = clock
        self._confirm_timeout_s = confirm_timeout_s

    def run(self, app_id: int) -> float | None:
        """Do what the app needs now. Returns the latest time of its next pass (Unix seconds; None: when something
        changes)."""
        with logs.bind(app_id=app_id):
            for _ in range(_ROUNDS):
                acted, recheck_at = self._round(app_id)
                if not acted:
                    return recheck_at
        return self._clock()

    def _round(self, app_id: int) -> tuple[bool, float | None]:
        observations = self._loader.load(app_id)
        if observations is None:
            return False, None
        views = AppViews(observations, confirm_timeout_s=self._confirm_timeout_s)
        done, rechecks = [], []
        for environment in environments(observations.rows):
            scope = Scope(app_id, observations.rows.app.tenant_id, environment)
            plan = decide(views.of(environment))
            done += [self._do(scope, action) for action in plan.actions]
            rechecks += [] if plan.recheck_at is None else [plan.recheck_at]
        if not all(done):
            rechecks.append(self._clock() + _PAUSE_S)
        return any(done), min(rechecks, default=None)

    def _do(self, scope: Scope, action: Action) -> bool:
        log.debug("action", extra={"action": repr(action)})
        return self._actions[type(action)](scope, action)
