"""Which addresses of gone replicas enter quarantine: those that no edge may dial any more for a request under way.

An edge may dial an address again for a request whose connection broke, also after the route table stopped naming it.
So the address stays its former holder's until every edge confirmed the removal and then counted no request under way
to that holder. Requests that still hang on such an address are cut: nobody answers behind a gone replica, and cut off
from its network they would hang for long.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from builder.agent.routes.publishing import RouteSync
from builder.agent.scope import REASON
from slipway.core.rollout.replica_states import GONE
from slipway.db import Database
from slipway.errors import DependencyUnavailable
from slipway.models import TO_CHANGE, Address, Edge, Replica, now
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
            log.info("the address stays in use for now", extra={"replica": replica_id, "why": error.message})
            return False

    def add_all(self) -> int:
        """Every gone replica's address for which that is safe now; says how many. Raises `DependencyUnavailable`."""
        return self._add()

    def reclaim(self, confirmed: int | None) -> int:
        """Release addresses in quarantine that every edge confirmed to be out of use; says how many."""
        with self._db.read(platform=REASON) as session:
            query = select(Address.address, Address.rests_from).where(Address.replica_id.is_(None))
            quarantined = session.execute(query).all()
        unused = [(address, removed_in) for address, removed_in in quarantined if _is_confirmed(removed_in, confirmed)]
        for address, removed_in in unused:
            self._runtime.release(address)
            self._forget(address, removed_in)
        return len(unused)

    def _forget(self, address: str, removed_in: int | None) -> None:
        """Only as it was read: once released it may have had another replica, and be in quarantine after that one."""
        as_read = (Address.replica_id.is_(None), Address.rests_from.is_not_distinct_from(removed_in))
        with self._db.write(platform=REASON) as session:
            session.execute(delete(Address).where(Address.address == address, *as_read))

    def _add(self, replica_id: str | None = None) -> int:
        with self._db.read(platform=REASON) as session:
            held = _held(session, replica_id)
            edges = list(session.scalars(select(Edge.id)))
        free = [each for each in held if each.removed_in is None] + self._unused(held, edges)
        if free:
            with self._db.write(platform=REASON) as session:
                for each in free:
                    give_up(session, each.replica_id)
        return len(free)

    def _unused(self, held: list[_Held], edges: list[str]) -> list[_Held]:
        """Of those that were in the route table: confirmed to be out of it, and without requests. Requests that hang
        are cut, and their address is free the next time."""
        routed = [each for each in held if each.removed_in is not None]
        confirmed = self._routes.confirmed() if routed else None
        if confirmed is None:
            return []
        removed = [each for each in routed if _is_confirmed(each.removed_in, confirmed)]
        counts = self._routes.inflight(edges, [each.replica_id for each in removed]) if removed else None
        if counts is None:
            return []
        for each in removed:
            if counts[each.replica_id].requests:
                self._runtime.close_connections(each.address)
        return [each for each in removed if counts[each.replica_id].requests == 0]


def hold(session: Session, replica: Replica) -> None:
    """The address is the replica's until it enters quarantine. A runtime that allocates addresses has written this down
    before it started the replica. An address that another replica holds stays with that one."""
    held = session.scalar(select(Address.address).filter_by(replica_id=replica.id))
    if held is not None or replica.address is None:
        return
    row = session.get(Address, replica.address, with_for_update=TO_CHANGE)
    if row is not None and row.replica_id is not None:
        extra = {"replica": replica.id, "address": row.address, "holder": row.replica_id}
        log.error("a replica started on an address that another one holds", extra=extra)
        return
    of_replica = {"tenant_id": replica.tenant_id, "replica_id": replica.id}
    session.merge(Address(address=replica.address, rests_from=None, released_at=None, **of_replica))


def give_up(session: Session, replica_id: str) -> None:
    """The replica, or the command, does not use its address any more."""
    session.execute(update(Address).filter_by(replica_id=replica_id).values(replica_id=None, released_at=now()))


def give_up_unused(session: Session, holders: Iterable[str]) -> None:
    """As `give_up`, for holders that were seen without a replica and outside the route table in an earlier transaction.
    A holder that has either by now keeps its address: `reserve` writes the address before the replica has a row."""
    has_replica = exists().where(Replica.id == Address.replica_id, Replica.state != GONE)
    unused = update(Address).where(Address.replica_id.in_(holders), Address.rests_from.is_(None), ~has_replica)
    session.execute(unused.values(replica_id=None, released_at=now()))


def _is_confirmed(removed_in: int | None, confirmed: int | None) -> bool:
    return removed_in is None or (confirmed is not None and confirmed >= removed_in)


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
