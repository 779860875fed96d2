"""A request waits at an edge for an app that nothing serves (docs/reference/edge-protocol.md, "Activation").

The desired state stands: an app that is scaled to 0 stays there. Replicas that shall run and do not get a pass at once,
and crashed ones are started without waiting until their back-off ends: a visitor is there now, and the cause may be
fixed. Requests must not defeat the back-off, so they shorten it at most once in `EVERY_S` for an app; a replica that
never gets up is started that often at most, and its back-off goes on growing.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import select, update

from builder.agent.background_tasks import START, BackgroundTasks
from builder.agent.observed_state import ObservedState
from builder.agent.scope import REASON
from slipway.core.app_settings.configuration import WEB
from slipway.core.rollout.replica_states import CRASHED
from slipway.db import Database
from slipway.models import Replica, Target
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)

EVERY_S = 30.0


class Activation:
    def __init__(
        self,
        db: Database,
        observed_state: ObservedState,
        background_tasks: BackgroundTasks,
        clock: Clock,
    ) -> None:
        self._db = db
        self._observed_state = observed_state
        self._background_tasks = background_tasks
        self._clock = clock
        self._activated_at: dict[int, float] = {}  # app → when its back-off was last ended early

    def activate(self, app_id: int) -> None:
        """Begin it in the background; the app's pass follows."""
        self._observed_state.changed()  # the events of its replicas' ends may have been missed
        self._background_tasks.begin(START, f"activate:{app_id}", app_id, lambda: self._end_back_off(app_id))

    def _end_back_off(self, app_id: int) -> None:
        now = self._clock()
        if now - self._activated_at.get(app_id, float("-inf")) < EVERY_S:
            return
        at = datetime.fromtimestamp(now, UTC)
        waiting = self._waiting(app_id, at)
        if not waiting:
            return
        with self._db.write(platform=REASON) as session:
            crashed = update(Replica).where(Replica.id.in_(waiting), Replica.state == CRASHED)
            session.execute(crashed.values(retry_at=at))
        self._activated_at[app_id] = now
        log.info("activated: a request waits", extra={"app_id": app_id, "replicas": len(waiting)})

    def _waiting(self, app_id: int, at: datetime) -> list[str]:
        """Crashed web replicas that wait for their back-off to end, where no target serves."""
        serves = select(Target.id).where(
            Target.app_id == app_id,
            Target.environment == Replica.environment,
            Target.process == Replica.process,
            Target.standby.is_(False),
        )
        waits = (Replica.app_id == app_id, Replica.process == WEB, Replica.state == CRASHED, Replica.retry_at > at)
        with self._db.read(platform=REASON) as session:
            return list(session.scalars(select(Replica.id).where(*waits, ~serves.exists())))
