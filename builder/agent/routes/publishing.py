"""The route table from SQL to the edges: the only publisher.

SQL changes first, in one transaction with the generation; what is published follows it. So this can run at any time,
any number of times: it compares positions and sends what is missing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from builder.agent.routes.route_entries import services
from slipway.core.routing.route_entries import Publication, Service, confirmed_by_all, entry, publication
from slipway.db import Database
from slipway.domain.route_table import THE_TABLE, route_table
from slipway.errors import DependencyUnavailable
from slipway.models import Edge, RouteChange, RouteTable
from slipway.ports.routes import Entries, Position, RoutePublisher, UnderWay

log = logging.getLogger(__name__)

_WHY = "agent: publish routes"
_AT_ONCE = 250
"""How many generations are read together, before the first of them is published."""
_HOSTS_AT_ONCE = 1000
"""A statement may have only so many values."""


class RouteSync:
    """Publishes what SQL holds and Redis does not. Thread-safe. `published` is called after something was sent.

    `sign_on`: people can sign in on this platform. Every entry may differ by that, so a table that was published
    otherwise is published anew.
    """

    def __init__(
        self,
        db: Database,
        publisher: RoutePublisher,
        published: Callable[[], None] = lambda: None,
        *,
        sign_on: bool = False,
    ) -> None:
        self._db = db
        self._publisher = publisher
        self._published = published
        self._sign_on = sign_on
        self._lock = threading.Lock()

    def sync(self) -> None:
        """Publish what is missing. Raises `DependencyUnavailable`: then the next call does it."""
        with self._lock:
            position = self._publisher.position()
            with self._db.read(platform=_WHY) as session:
                table = _table(session)
                todo = _todo(session, table, position)
                is_outdated = _written_with_sign_on(session) != self._sign_on
            if todo.everything or is_outdated:
                self._publish_everything()
            elif todo.generations:
                self._publish_changes(table.epoch, todo.generations)
            else:
                return
        self._published()

    def sync_now(self) -> None:
        """Publish at once rather than at the next regular pass, which does it when Redis is unreachable now."""
        try:
            self.sync()
        except DependencyUnavailable as error:
            log.warning("routes are not published yet", extra={"why": error.message})

    def confirmed(self) -> int | None:
        """The generation that every registered edge confirmed; None: not known. Raises `DependencyUnavailable`."""
        with self._db.read(platform=_WHY) as session:
            edges = list(session.scalars(select(Edge.id)))
            epoch = _table(session).epoch
        confirmations = self._publisher.confirmations()
        positions = {edge: (each.epoch, each.generation) for edge, each in confirmations.items()}
        return confirmed_by_all(edges, positions, epoch)

    def inflight(self, edges: Collection[str], replica_ids: Collection[str]) -> Mapping[str, UnderWay] | None:
        """Replica → what is under way to it from all edges together; None when an edge does not report. One call of the
        publisher, however many there are. Raises `DependencyUnavailable`."""
        by_edge = self._publisher.inflight(edges, replica_ids)
        if not by_edge.keys() >= set(edges):
            return None
        return {each: _total(counts[each] for counts in by_edge.values()) for each in replica_ids}

    def trim(self) -> None:
        """Delete the rows of changes that are published. Raises `DependencyUnavailable`."""
        with self._lock:
            position = self._publisher.position()
            with self._db.read(platform=_WHY) as session:
                table = _table(session)
                oldest = session.scalar(select(RouteChange.generation).order_by(RouteChange.generation).limit(1))
            if position is None or position.epoch != table.epoch or oldest is None or oldest > position.generation:
                return
            with self._db.write(platform=_WHY) as session:
                session.execute(delete(RouteChange).where(RouteChange.generation <= position.generation))

    def _publish_changes(self, epoch: str, generations: Sequence[int]) -> None:
        """Read many at once, so that a burst costs little more than its records."""
        for start in range(0, len(generations), _AT_ONCE):
            some = generations[start : start + _AT_ONCE]
            with self._db.read(platform=_WHY) as session:
                changes = _changes(session, some, sign_on=self._sign_on)
            for number in some:
                self._publisher.publish(Position(epoch, number), changes[number])

    def _publish_everything(self) -> None:
        with self._db.write(platform=_WHY) as session:
            table = route_table(session, lock=True)
            table.epoch = uuid4().hex
            table.sign_on = self._sign_on
        with self._db.read(platform=_WHY) as session:
            position = _table(session)
            found = services(session).items()
        table_now = {
            host: entry(service, position.generation, sign_on=self._sign_on) for host, service in found if service
        }
        self._publisher.publish_all(position, table_now)


def _total(counts: Iterable[UnderWay]) -> UnderWay:
    of_edges = list(counts)
    return UnderWay(sum(each.requests for each in of_edges), sum(each.streams for each in of_edges))


def _table(session: Session) -> Position:
    table = session.get(RouteTable, THE_TABLE)
    return Position(table.epoch, table.generation) if table else Position("", 0)


def _written_with_sign_on(session: Session) -> bool:
    table = session.get(RouteTable, THE_TABLE)
    return table is not None and table.sign_on


def _todo(session: Session, table: Position, position: Position | None) -> Publication:
    if position is None:
        return publication(table.epoch, table.generation, None, ())
    changed = select(RouteChange.generation).where(RouteChange.generation > position.generation).distinct()
    published = (position.epoch, position.generation)
    return publication(table.epoch, table.generation, published, set(session.scalars(changed)))


def _changes(session: Session, generations: Sequence[int], *, sign_on: bool) -> dict[int, Entries]:
    """Each generation's hosts with what they lead to now: a later generation that changes them again comes after."""
    query = select(RouteChange.generation, RouteChange.host).where(
        RouteChange.generation.between(generations[0], generations[-1])
    )
    rows = session.execute(query).all()
    hosts = sorted({host for _, host in rows})
    found: dict[str, Service | None] = {}
    for start in range(0, len(hosts), _HOSTS_AT_ONCE):
        found |= services(session, hosts[start : start + _HOSTS_AT_ONCE])
    changes: dict[int, dict[str, dict[str, Any] | None]] = {number: {} for number in generations}
    for generation, host in rows:
        service = found.get(host)
        changes[generation][host] = entry(service, generation, sign_on=sign_on) if service else None
    return dict(changes)
