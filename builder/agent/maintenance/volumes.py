"""Volumes that somebody asked to remove: out of the runtime once no container has them, then out of SQL."""

from __future__ import annotations

import logging

from sqlalchemy import delete, select

from builder.agent.scope import REASON
from slipway.db import Database
from slipway.models import Volume
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)


def remove_requested(db: Database, runtime: ContainerRuntime) -> int:
    """Remove those that can be, and say how many. The row goes last: after a crash in between it is asked for again."""
    with db.read(platform=REASON) as session:
        requested = list(session.scalars(select(Volume.id).where(Volume.removal_requested_at.is_not(None))))
    gone = [volume_id for volume_id in requested if runtime.remove_volume(volume_id)]
    if gone:
        with db.write(platform=REASON) as session:
            session.execute(delete(Volume).where(Volume.id.in_(gone)))
        log.info("volumes removed", extra={"volumes": gone})
    return len(gone)
