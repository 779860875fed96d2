"""When the address of a gone replica may be used again: once no edge has a request under way that may still dial it.

An edge may dial an address again for a request whose connection broke, also after the route table stopped naming it.
So the address stays its former holder's until every edge confirmed the removal and then counted nothing under way to
that holder. Connections that are still open to it are closed: behind a gone replica nobody answers, and cut off from
its network a request would wait for long.

An address is held (`replica_id`), then in quarantine (no `replica_id`), then released to the runtime.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from builder.agent.dependencies import REASON, Dependencies
from slipway.core.rollout.fleet import GONE
from slipway.errors import DependencyUnavailable
from slipway.models import Address, Edge, Replica, now

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    address: str
    replica_id: str
    removed_in: int | None
    """The generation that took it out of the route table; None: it never was in it."""


def hold(session: Session, replica: Replica) -> None:
    """The replica has its address until `quarantine`. A runtime that allocates addresses has written this down before
    it started the replica."""
    held = session.scalar(select(Address.address).filter_by(replica_id=replica.id))
    if held is None and replica.address is not None:
        of_replica = {"tenant_id": replica.tenant_id, "replica_id": replica.id}
        session.merge(Address(address=replica.address, rests_from=None, released_at=None, **of_replica))


def quarantine(dependencies: Dependencies, replica_id: str) -> bool:
    """A replica is gone: give its address up if that is safe now; else `quarantine_all` does it when it is."""
    try:
        return _quarantine(dependencies, replica_id) == 1
    except DependencyUnavailable as error:
        log.info("the address stays in use for now", extra={"replica": replica_id, "why": error.message})
        return False


def quarantine_all(dependencies: Dependencies) -> int:
    """All gone replicas' addresses for which that is safe now; says how many. Raises `DependencyUnavailable`."""
    return _quarantine(dependencies)


def give_up(session: Session, replica_id: str) -> None:
    """The replica, or the command, does not use its address any more."""
    values = {"replica_id": None, "released_at": now()}
    session.execute(update(Address).filter_by(replica_id=replica_id).values(values))


def reclaim(dependencies: Dependencies, confirmed: int | None) -> int:
    """Release addresses that every edge confirmed to be out of use; says how many."""
    with dependencies.db.read(platform=REASON) as session:
        query = select(Address.address, Address.rests_from).where(Address.replica_id.is_(None))
        given_up = session.execute(query).all()
    unused = [address for address, since in given_up if since is None or (confirmed is not None and confirmed >= since)]
    for address in unused:
        dependencies.runtime.release(address)
    if unused:
        with dependencies.db.write(platform=REASON) as session:
            session.execute(delete(Address).where(Address.address.in_(unused), Address.replica_id.is_(None)))
    return len(unused)


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
                give_up(session, each.replica_id)
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
        dependencies.runtime.close_connections(held.address)
    return under_way.requests == 0
