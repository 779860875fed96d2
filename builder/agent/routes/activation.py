"""A request waits at an edge for an app that nothing serves (docs/reference/edge-protocol.md, "Waking").

What the app's user wished for stands: an app that is scaled to 0 stays there. What shall run and does not is looked at
at once, and crashed replicas are started without waiting until their back-off ends: a visitor is there now, and what
they died of may be mended. Requests must not defeat the back-off, so they shorten it at most once in `EVERY_S` for an
app; a replica that never gets up is started that often at most, and its back-off goes on growing.

Whatever an app can be woken from belongs here.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import select, update

from builder.agent.background_tasks import START
from builder.agent.dependencies import REASON, Dependencies
from slipway.core.app_settings.configuration import WEB
from slipway.core.rollout.fleet import CRASHED
from slipway.models import Replica, Target

log = logging.getLogger(__name__)

EVERY_S = 30.0


def activate(dependencies: Dependencies, app_id: int) -> None:
    """Begin it beside the caller; the app's pass follows."""
    dependencies.observed_state.changed()  # its replicas may have died unheard
    dependencies.background_tasks.begin(START, f"rouse:{app_id}", app_id, lambda: _end_back_off(dependencies, app_id))


def _end_back_off(dependencies: Dependencies, app_id: int) -> None:
    now = dependencies.clock()
    if now - dependencies.hints.activated_at.get(app_id, float("-inf")) < EVERY_S:
        return
    at = datetime.fromtimestamp(now, UTC)
    serves = select(Target.id).where(
        Target.app_id == app_id,
        Target.environment == Replica.environment,
        Target.process == Replica.process,
        Target.standby.is_(False),
    )
    waits = (Replica.app_id == app_id, Replica.process == WEB, Replica.state == CRASHED, Replica.retry_at > at)
    with dependencies.db.read(platform=REASON) as session:
        waiting = list(session.scalars(select(Replica.id).where(*waits, ~serves.exists())))
    if not waiting:
        return
    with dependencies.db.write(platform=REASON) as session:
        session.execute(update(Replica).where(Replica.id.in_(waiting), Replica.state == CRASHED).values(retry_at=at))
    dependencies.hints.activated_at[app_id] = now
    log.info("started before its time: a request waits", extra={"app_id": app_id, "replicas": len(waiting)})
