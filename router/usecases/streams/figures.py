"""Figures of a page that change all the time: requests of its apps and replicas, as edges count them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from router.principal import Principal
from router.services import Services
from router.streams.events import Figures
from slipway.adapters.redis.edge_counts import Counts, EdgeCounts, Kind, Subject
from slipway.errors import DependencyUnavailable
from slipway.models import App, Replica

log = logging.getLogger(__name__)
SHOWN_MOST = 200
"""Apps, and replicas, of one page. Those beyond are what they were when the page was made."""
Writer = Callable[[Kind, str, Counts], Mapping[str, str]]
"""From an app or a replica, its name and what is counted of it to the names of cells and what stands in them."""


class ShownFigures:
    """One page's. Of another tenant's apps and replicas it shows nothing."""

    def __init__(
        self, services: Services, principal: Principal, apps: Sequence[str], replicas: Sequence[str], write: Writer
    ) -> None:
        self._shared = services.figures
        self._write = write
        with services.db.read(tenant_id=principal.tenant_id) as session:
            self._names = dict([*_apps(session, apps), *_replicas(session, replicas)])
        self._last: dict[Subject, Counts] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        with self._shared.shown(tuple(self._names)):
            yield

    def new(self) -> list[Figures]:
        """At most one event, with all that has changed since the last call; at first with all that is known."""
        if not self._names:
            return []
        try:
            found = self._shared.now()
        except DependencyUnavailable as error:
            log.debug("figures can't be looked at just now", extra={"why": error.message})
            return []
        cells: dict[str, str] = {}
        for subject, name in self._names.items():
            counts = found.get(subject)
            if counts is not None and counts is not self._last.get(subject):
                self._last[subject] = counts
                cells |= self._write(subject.kind, name, counts)
        return [Figures(cells)] if cells else []


def counts_now(services: Services, subjects: Iterable[Subject]) -> Mapping[Subject, Counts]:
    """For a page that is made now. Without Redis nothing is known of any."""
    try:
        return EdgeCounts(services.redis).look(services.figures.edges(), list(subjects))
    except DependencyUnavailable:
        return {}


def _apps(session: Session, names: Sequence[str]) -> Iterator[tuple[Subject, str]]:
    query = select(App.id, App.name).where(App.name.in_(list(islice(names, SHOWN_MOST))), App.deleted_at.is_(None))
    for number, name in session.execute(query) if names else ():
        yield Subject(Kind.APP, str(number)), name


def _replicas(session: Session, ids: Sequence[str]) -> Iterator[tuple[Subject, str]]:
    query = select(Replica.id).where(Replica.id.in_(list(islice(ids, SHOWN_MOST))))
    for id_ in session.scalars(query) if ids else ():
        yield Subject(Kind.REPLICA, id_), id_
