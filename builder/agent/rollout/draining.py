"""The step `drain`, in which the old replicas leave."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.rollout.replica_states import GONE
from slipway.core.text.counting import plural
from slipway.domain import lifecycle
from slipway.models import Deployment, Replica


def begin(session: Session, row: Deployment) -> None:
    """Open the live deployment's step `drain`, unless no replica but its own is left."""
    query = select(Replica.id).filter_by(app_id=row.app_id, environment=row.environment)
    leaving = len(session.scalars(query.where(Replica.state != GONE, Replica.release_id != row.release_id)).all())
    if leaving:
        lifecycle.begin_step(row, "drain")
        lifecycle.note_step(row, plural(leaving, "old replica"))
