"""When something of a tenant changed last, for all tenants that are watched: one statement, however many they are."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Select, bindparam, func, select

from router.streams.shared_poll import SharedPoll
from slipway.db import Database
from slipway.models import App, Certificate, Delivery, Deployment, Replica, Tenant

Newest = tuple[datetime | None, ...]
"""Of each kind of row, the time of the one that changed last."""
_TIMES = (App.changed_at, Deployment.changed_at, Replica.changed_at, Certificate.updated_at, Delivery.received_at)


class NewestRows:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._watches: WeakValueDictionary[int, Watch] = WeakValueDictionary()
        self._poll: SharedPoll[Mapping[int, Newest]] = SharedPoll()

    def watch(self, tenant_id: int) -> Watch:
        """The caller holds it for as long as it watches."""
        with self._lock:
            watch = self._watches.get(tenant_id)
            if watch is None:
                watch = self._watches[tenant_id] = Watch(self, tenant_id)
            return watch

    def now(self, max_age_s: float) -> Mapping[int, Newest]:
        """By tenant. What changed within the last `max_age_s` seconds may be missing.

        Raises:
            DependencyUnavailable: SQL does not answer.
        """
        return self._poll.value(lambda _: self._look(), max_age_s=max_age_s)

    def _look(self) -> Mapping[int, Newest]:
        with self._lock:
            tenants = list(self._watches)
        with self._db.read(platform="which tenants' rows have changed") as session:
            rows = session.execute(_statement(), {"tenants": tenants})
            return {tenant_id: tuple(times) for tenant_id, *times in rows}


class Watch:
    """Of one tenant, by everybody who watches it."""

    def __init__(self, rows: NewestRows, tenant_id: int) -> None:
        self._rows = rows
        self._tenant_id = tenant_id

    def newest(self, max_age_s: float) -> Newest | None:
        """None: the watch began after the last look."""
        return self._rows.now(max_age_s).get(self._tenant_id)


@cache
def _statement() -> Select[*tuple[Any, ...]]:
    """Each time is found at the end of an index."""
    newest = [
        select(func.max(time)).where(time.class_.tenant_id == Tenant.id).correlate(Tenant).scalar_subquery()
        for time in _TIMES
    ]
    return select(Tenant.id, *newest).where(Tenant.id.in_(bindparam("tenants", expanding=True)))
