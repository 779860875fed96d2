"""Containers of this installation that nobody wishes for: their row is gone, or says that they are."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from sqlalchemy import select

from builder.agent import output
from builder.agent.chores import STOP
from builder.agent.parts import REASON, Parts
from builder.agent.pre_deploy import holder, is_at_pre_deploy
from slipway.core.fleet import GONE
from slipway.core.states import State
from slipway.models import Deployment, Replica
from slipway.ports.runtime import Observed


def remove(parts: Parts, observed: Iterable[Observed]) -> int:
    """Remove them, and say how many. `observed` was listed before this looks into SQL: rows come before containers."""
    with parts.db.read(platform=REASON) as session:
        wished = set(session.scalars(select(Replica.id).where(Replica.state != GONE)))
        starting = session.scalars(select(Deployment).where(Deployment.state == str(State.STARTING)))
        wished |= {holder(row.id) for row in starting if is_at_pre_deploy(row)}
    orphans = [each for each in observed if each.replica_id not in wished]
    for orphan in orphans:
        work = functools.partial(_remove, parts, orphan)
        parts.chores.begin(STOP, f"orphan:{orphan.container_id}", orphan.app_id, work)
    return len(orphans)


def _remove(parts: Parts, orphan: Observed) -> None:
    if not orphan.task:
        output.keep(parts.settings, parts.runtime, orphan.replica_id, orphan.container_id)
    parts.runtime.remove(orphan.container_id)
    parts.reality.changed()
