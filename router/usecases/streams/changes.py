"""What changes of a tenant, by topics: whoever shows something of a topic asks for it anew.

A position is a time. From it on nothing is left out: a row that was committed late is found for as long as writers may
wait, and after a longer absence the topic `*` says that anything may have changed.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, CompoundSelect, Integer, Select, bindparam, cast, literal, select, union_all
from sqlalchemy import String as SqlText

from router.principal import Principal
from router.services import Services
from router.streams.events import Batch, Changed, ChangesLook, Events, RowChange
from router.usecases.streams.figures import ShownFigures
from slipway.db import WRITER_WAIT_S
from slipway.errors import DependencyUnavailable
from slipway.models import App, Certificate, Delivery, Deployment, Replica, now
from slipway.models.base import UtcDateTime

log = logging.getLogger(__name__)
POLL_S = 0.25
SHARED_S = 0.4
"""How old what another stream of the same tenant found may be."""
SELDOM = timedelta(seconds=2)
"""How often a tenant's rows are read of which the newest is the same: one may have been committed late."""
PACE_S = 0.05
"""For each stream of the tenant, between two reports of one of them: pages ask for what changed, and all pages together
would take more than a core. Reports come within half of that, each page's at a moment of its own."""
LATE = timedelta(seconds=WRITER_WAIT_S)
"""A row's time is before its commit by no more than that."""
WINDOW = timedelta(seconds=60)
"""How far each look goes back. Whoever was disconnected for longer gets everything anew."""
_WAITING_BATCHES = 32
EVERYTHING = "*"
APPS, CONTAINERS, DELIVERIES = "apps", "containers", "deliveries"
_TOPICS = {
    "app": (APPS, "app/{app}"),
    "deployment": (APPS, "app/{app}", "deployment/{key}"),
    "replica": (APPS, CONTAINERS, "app/{app}"),
    "certificate": ("domains/{app}",),
    "delivery": (DELIVERIES,),
}
"""Kind of row → what shows something of it."""


class Changes:
    """One watcher's view of a tenant's changes."""

    def __init__(self, services: Services, principal: Principal, since: datetime | None) -> None:
        self._services = services
        self._principal = principal
        self._poll = services.change_polls.of(principal.tenant_id)
        self._watch = services.newest_rows.watch(principal.tenant_id)
        self._since = since
        self._seen: frozenset[RowChange] | None = None
        self._last: ChangesLook | None = None
        self._not_before_s = 0.0
        self._due_s: float | None = None

    def new(self) -> list[Changed]:
        """At most one event, with all that has changed since the last one."""
        if time.monotonic() < self._not_before_s:
            return []
        try:
            found = self._poll.value(self._look, max_age_s=SHARED_S)
        except DependencyUnavailable as error:
            log.warning("changes can't be looked for just now", extra={"why": error.message})
            return []
        if self._last is not None and found.rows is self._last.rows:
            return []
        if self._last is not None and found.rows - self._last.rows and not self._is_due():
            return []
        topics = self._topics(found)
        self._last = found
        return [Changed(tuple(sorted(topics)), found.at.isoformat(timespec="milliseconds"))] if topics else []

    def _is_due(self) -> bool:
        """Whether it is this page's turn to report what is new."""
        pace_s, at_s = PACE_S * self._services.followers.of_tenant(self._principal.tenant_id), time.monotonic()
        if self._due_s is None:
            self._due_s = at_s + random.random() * pace_s / 2  # noqa: S311  no secret
        if at_s < self._due_s:
            return False
        self._due_s, self._not_before_s = None, at_s + pace_s / 2
        return True

    def _topics(self, found: ChangesLook) -> set[str]:
        before, self._seen = self._seen, found.rows
        if before is None and self._since is not None:
            if found.at - self._since > WINDOW - LATE:
                return {EVERYTHING}
            before = frozenset(row for row in found.rows if row.at <= self._since - LATE)
        return {topic for row in found.rows - (found.rows if before is None else before) for topic in _topics_of(row)}

    def _look(self, before: ChangesLook | None) -> ChangesLook:
        """With the rows of `before` where nothing is new."""
        at, tenant_id = now(), self._principal.tenant_id
        newest = self._watch.newest(max_age_s=SHARED_S / 2)
        if before and newest and newest == before.newest and at - before.looked_at < SELDOM:
            return before
        with self._services.db.read(tenant_id=tenant_id) as session:
            rows = session.execute(_statement(), {"tenant": tenant_id, "since": at - WINDOW})
            found = frozenset(RowChange(kind, key, app, _aware(changed)) for kind, key, app, changed in rows)
        if before is not None and found <= before.rows and at - before.at < WINDOW / 4:
            return replace(before, newest=newest, looked_at=at)
        return ChangesLook(found, at, newest, at)


def tenant_changes(services: Services, principal: Principal, since: str, figures: ShownFigures) -> Events:
    """All changes of the caller's tenant from the position on, of none from now on; and figures that the page shows."""
    changes = Changes(services, principal, position(since))
    with figures.shown():
        while True:
            yield [*changes.new(), *figures.new()]
            time.sleep(POLL_S)


def beside(events: Events, services: Services, principal: Principal, since: str) -> Events:
    """The same, and other events as they come, of which there may be none for seconds: a thread reads them."""
    changes = Changes(services, principal, position(since))
    batches: queue.Queue[Batch] = queue.Queue(_WAITING_BATCHES)
    stopped = threading.Event()
    threading.Thread(target=_read, args=(events, batches, stopped), name="beside", daemon=True).start()
    try:
        while True:
            batch: Batch = []
            with suppress(queue.Empty):
                batch = batches.get(timeout=POLL_S)
            yield [*batch, *changes.new()]
    finally:
        stopped.set()


def _read(events: Events, batches: queue.Queue[Batch], stopped: threading.Event) -> None:
    """Until they end, or nobody takes them any more: a batch is offered for a while, and then it is looked again."""
    with closing(events):
        for batch in events:
            while batch and not stopped.is_set():
                with suppress(queue.Full):
                    batches.put(batch, timeout=POLL_S)
                    break
            if stopped.is_set():
                return


def position(text: str) -> datetime | None:
    """The time that a position stands for: one of changes or of a replica's line (RFC 3339), or of a deployment's log
    (milliseconds, a dash and a number). None: it is none."""
    milliseconds, dash, number = text.partition("-")
    try:
        if dash and milliseconds.isdecimal() and number.isdecimal() and len(milliseconds) > len("2026"):
            return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo is not None else None


def _topics_of(row: RowChange) -> Iterator[str]:
    return (topic.format(app=row.app, key=row.key) for topic in _TOPICS[row.kind])


@cache
def _statement() -> CompoundSelect[*tuple[Any, ...]]:
    """Made once: to make it takes longer than to run it."""
    return union_all(*_queries(bindparam("tenant", type_=Integer), bindparam("since", type_=UtcDateTime())))


def _queries(tenant: BindParameter[int], since: BindParameter[datetime]) -> Iterator[Select[*tuple[Any, ...]]]:
    yield select(literal("app"), cast(App.id, SqlText), App.name, App.changed_at).where(
        App.tenant_id == tenant, App.changed_at > since
    )
    for kind, model, changed_at in (
        ("deployment", Deployment, Deployment.changed_at),
        ("replica", Replica, Replica.changed_at),
        ("certificate", Certificate, Certificate.updated_at),
    ):
        query = select(literal(kind), cast(model.id, SqlText), App.name, changed_at).join(App, App.id == model.app_id)
        yield query.where(model.tenant_id == tenant, App.tenant_id == tenant, changed_at > since)
    yield select(literal("delivery"), cast(Delivery.id, SqlText), literal(""), Delivery.received_at).where(
        Delivery.tenant_id == tenant, Delivery.received_at > since
    )


def _aware(value: datetime) -> datetime:
    """A union's columns have lost their type, and SQLite keeps no zone."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
