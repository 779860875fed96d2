"""Which releases' images have to stay: those that something runs, makes live, or goes back to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.rollout.replica_states import GONE
from slipway.core.runs.states import ACTIVE
from slipway.models import Deployment, Replica, Run


def needed_releases(session: Session) -> set[int]:
    """Releases that are live or run, also a command, that a deployment makes live, and that were live before, where a
    rollback goes."""
    states = [str(state) for state in (*UNFINISHED, State.LIVE)]
    wanted = session.scalars(select(Deployment.release_id).where(Deployment.state.in_(states)))
    running = session.scalars(select(Replica.release_id).where(Replica.state != GONE))
    previous = select(Deployment.previous_id).where(Deployment.state == str(State.LIVE))
    before = session.scalars(select(Deployment.release_id).where(Deployment.id.in_(previous)))
    active = [str(state) for state in ACTIVE]
    of_runs = session.scalars(select(Run.release_id).where(Run.state.in_(active)))
    return {release_id for release_id in (*wanted, *running, *before, *of_runs) if release_id is not None}
