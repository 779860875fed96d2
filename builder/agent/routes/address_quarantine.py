"""When a gone replica's address begins to rest: once no edge has a request under way that may still dial it.

An edge may dial an address again for a request whose connection broke, also after the route table stopped naming it.
So the address stays its former holder's until every edge confirmed the removal and then counted nothing under way to
that holder. What hangs there is cut: behind a gone replica nobody answers, and cut off from its network it would hang
for long.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from builder.agent.dependencies import REASON, Dependencies
from builder.agent.routes import addresses
from slipway.core.rollout.fleet import GONE
from slipway.errors import DependencyUnavailable
from slipway.models import Address, Edge, Replica

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    address: str
    replica_id: str
    removed_in: int | None
    """The generation that took it out of the route table; None: it never was in it."""


def quarantine(dependencies: Dependencies, replica_id: str) -> bool:
    """A replica is gone: give its address back if that is safe now; else `vacate_all` does it when it is."""
    try:
        return _quarantine(dependencies, replica_id) == 1
    except DependencyUnavailable as error:
        log.info("address kept for now", extra={"replica": replica_id, "why": error.message})
        return False


def quarantine_all(dependencies: Dependencies) -> int:
    """All gone replicas' addresses that are safe now; says how many. Raises `DependencyUnavailable`."""
    return _quarantine(dependencies)


def _quarantine(dependencies: Dependencies, replica_id: str | None = None) -> int:
    with dependencies.db.read(platform=REASON) as session:
        held = _held(session, replica_id)
        edges = list(session.scalars(select(Edge.id)))
    if not held:
        return 0
    confirmed = dependencies.routes.confirmed() if any(each.removed_in is not None for each in held) else None
    free = [each for each in held if each.removed_in is None or _is_left(dependencies, each, confirmed, edges)]
    if free:
        with dependencies.db.write(platform=REASON) as session:
            for each in free:
                addresses.release(session, each.replica_id)
    return len(free)


def _held(session: Session, replica_id: str | None) -> list[_Held]:
    """Of one gone replica; or of all that were routed to. A running command's address never was."""
    query = (
        select(Address.address, Address.replica_id, Address.rests_from)
        .outerjoin(Replica, Replica.id == Address.replica_id)
        .where(or_(Replica.id.is_(None), Replica.state == GONE))
    )
    if replica_id is not None:
        query = query.where(Address.replica_id == replica_id)
    else:
        query = query.where(Address.replica_id.is_not(None), Address.rests_from.is_not(None))
    return [_Held(address, holder, generation) for address, holder, generation in session.execute(query) if holder]


def _is_left(dependencies: Dependencies, held: _Held, confirmed: int | None, edges: list[str]) -> bool:
    if confirmed is None or held.removed_in is None or confirmed < held.removed_in:
        return False
    under_way = dependencies.routes.inflight(edges, held.replica_id)
    if under_way is None:
        return False
    if under_way.requests:
        dependencies.runtime.close_idle_connections(held.address)
    return under_way.requests == 0
