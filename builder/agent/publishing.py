"""The route table from SQL to the edges: the only publisher.

SQL changes first, in one transaction with the generation; what is published follows it. So this can run at any time,
any number of times: it compares positions and sends what is missing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from builder.agent.route_entries import services
from slipway.core.routing import Publication, confirmed_by_all, entry, publication
from slipway.db import Database
from slipway.models import Edge, RouteChange, RouteTable
from slipway.ports.routes import Position, RoutePublisher, UnderWay
from slipway.routes import THE_TABLE, route_table

_WHY = "agent: publish routes"


class RouteSync:
    """Brings what is published up to SQL. Thread-safe. `published` is called after something was sent."""

    def __init__(self, db: Database, publisher: RoutePublisher, published: Callable[[], None] = lambda: None) -> None:
        self._db = db
        self._publisher = publisher
        self._published = published
        self._lock = threading.Lock()

    def sync(self) -> None:
        """Publish what is missing. Raises `DependencyUnavailable`: then the next call does it."""
        with self._lock:
            position = self._publisher.position()
            with self._db.read(platform=_WHY) as session:
                table = _table(session)
                todo = _todo(session, table, position)
                changes = {number: _changes(session, number) for number in todo.generations}
            for number, changed in changes.items():
                self._publisher.publish(Position(table.epoch, number), changed)
            if todo.everything:
                self._publish_everything()
            elif not changes:
                return
        self._published()

    def confirmed(self) -> int | None:
        """The generation that every registered edge confirmed; None: not known. Raises `DependencyUnavailable`."""
        with self._db.read(platform=_WHY) as session:
            edges = list(session.scalars(select(Edge.id)))
            epoch = _table(session).epoch
        told = {edge: (each.epoch, each.generation) for edge, each in self._publisher.confirmations().items()}
        return confirmed_by_all(edges, told, epoch)

    def inflight(self, edges: Collection[str], replica_id: str) -> UnderWay | None:
        """Requests under way to a replica from all edges; None when one doesn't tell."""
        told = [self._publisher.inflight(edge, replica_id) for edge in edges]
        known = [each for each in told if each is not None]
        if len(known) < len(told):
            return None
        return UnderWay(sum(each.requests for each in known), sum(each.streams for each in known))

    def trim(self) -> None:
        """Forget the changes that are published. Raises `DependencyUnavailable`."""
        with self._lock:
            position = self._publisher.position()
            with self._db.read(platform=_WHY) as session:
                table = _table(session)
                oldest = session.scalar(select(RouteChange.generation).order_by(RouteChange.generation).limit(1))
            if position is None or position.epoch != table.epoch or oldest is None or oldest > position.generation:
                return
            with self._db.write(platform=_WHY) as session:
                session.execute(delete(RouteChange).where(RouteChange.generation <= position.generation))

    def _publish_everything(self) -> None:
        with self._db.write(platform=_WHY) as session:
            table = route_table(session, lock=True)
            table.epoch = uuid4().hex
        with self._db.read(platform=_WHY) as session:
            position = _table(session)
            found = services(session).items()
        table_now = {host: entry(service, position.generation) for host, service in found if service}
        self._publisher.publish_all(position, table_now)


def _table(session: Session) -> Position:
    table = session.get(RouteTable, THE_TABLE)
    return Position(table.epoch, table.generation) if table else Position("", 0)


def _todo(session: Session, table: Position, position: Position | None) -> Publication:
    changed = session.scalars(select(RouteChange.generation).distinct())
    told = (position.epoch, position.generation) if position else None
    return publication(table.epoch, table.generation, told, set(changed))


def _changes(session: Session, generation: int) -> dict[str, dict[str, object] | None]:
    hosts = list(session.scalars(select(RouteChange.host).filter_by(generation=generation)))
    found = services(session, hosts)
    return {host: entry(service, generation) if (service := found.get(host)) else None for host in hosts}
