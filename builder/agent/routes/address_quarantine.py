"""Which addresses of gone replicas enter quarantine: those that no edge may dial any more for a request under way.

An edge may dial an address again for a request whose connection broke, also after the route table stopped naming it.
So the address stays its former holder's until every edge confirmed the removal and then counted no request under way
to that holder. Requests that still hang on such an address are cut: nobody answers behind a gone replica, and cut off
from its network they would hang for long.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from builder.agent.routes import addresses
from builder.agent.routes.publishing import RouteSync
from builder.agent.scope import REASON
from slipway.core.rollout.replica_states import GONE
from slipway.db import Database
from slipway.errors import DependencyUnavailable
from slipway.models import Address, Edge, Replica
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    address: str
    replica_id: str
    removed_in: int | None
    """The generation that took it out of the route table; None: it never was in it."""


class AddressQuarantine:
    def __init__(self, db: Database, runtime: ContainerRuntime, routes: RouteSync) -> None:
        self._db = db
        self._runtime = runtime
        self._routes = routes

    def add(self, replica_id: str) -> bool:
        """The address of a gone replica, if that is safe now; else `add_all` adds it when it is."""
        try:
            return self._add(replica_id) == 1
        except DependencyUnavailable as error:
            log.info("address kept for now", extra={"replica": replica_id, "why": error.message})
            return False

    def add_all(self) -> int:
        """Every gone replica's address for which that is safe now; says how many. Raises `DependencyUnavailable`."""
        return self._add()

    def _add(self, replica_id: str | None = None) -> int:
        with self._db.read(platform=REASON) as session:
            held = _held(session, replica_id)
            edges = list(session.scalars(select(Edge.id)))
        free = [each for each in held if each.removed_in is None] + self._unused(held, edges)
        if free:
            with self._db.write(platform=REASON) as session:
                for each in free:
                    addresses.release(session, each.replica_id)
        return len(free)

    def _unused(self, held: list[_Held], edges: list[str]) -> list[_Held]:
        """Of those that were in the route table: confirmed to be out of it, and without requests. Requests that hang
        are cut, and their address is free the next time."""
        routed = [each for each in held if each.removed_in is not None]
        confirmed = self._routes.confirmed() if routed else None
        if confirmed is None:
            return []
        removed = [each for each in routed if each.removed_in is not None and confirmed >= each.removed_in]
        counts = self._routes.inflight(edges, [each.replica_id for each in removed]) if removed else None
        if counts is None:
            return []
        for each in removed:
            if counts[each.replica_id].requests:
                self._runtime.close_idle_connections(each.address)
        return [each for each in removed if counts[each.replica_id].requests == 0]


def _held(session: Session, replica_id: str | None) -> list[_Held]:
    """Of one gone replica, or of all that were in the route table. A running command's address never was."""
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
