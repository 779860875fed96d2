"""Finds and makes the subjects of what was used: the app that had a number at a time, a replica and its process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import State
from slipway.core.usage.records import NOBODY
from slipway.domain.usage.storing import Subject, insert
from slipway.models import App, Deployment, Release, Replica, UsageSubject

AT_ONCE = 500
"""Numbers in one query."""
CLOCKS_S = 5.0
"""By which an edge's clock may be behind the database's: an app is asked for within seconds of being made."""


@dataclass(frozen=True, slots=True)
class Description:
    """What tells a subject from others, and what is shown of it."""

    tenant_id: int | None
    app_id: int
    app_created_ms: int
    app_name: str
    environment: str = ""
    process: str = ""
    image: str = ""
    image_name: str = ""
    replica_id: str = ""

    @property
    def key(self) -> tuple[int, int, str, str, str, str]:
        return self.app_id, self.app_created_ms, self.environment, self.process, self.image, self.replica_id


_NOBODYS = Description(None, NOBODY, 0, "")


@dataclass(frozen=True, slots=True)
class _Live:
    """An image that was live from a time on (Unix seconds)."""

    since_s: float
    image: str
    image_name: str


class Apps:
    """Whose traffic an app's number stands for. Read before the transaction that counts."""

    def __init__(self, session: Session, app_ids: Iterable[int]) -> None:
        self._known: dict[int, list[Description]] = defaultdict(list)
        self._live: dict[int, list[_Live]] = defaultdict(list)
        for some in _portions(sorted(set(app_ids) - {NOBODY})):
            for row in session.execute(_described(some)):
                self._known[row.id].append(_of_app(*row))
            for former in _former(session, some):
                self._known[former.app_id].append(former)
            for app_id, live_at, digest, source, ref in session.execute(_images(some)):
                name = ref if source == "image" else ""
                self._live[app_id].append(_Live(live_at.timestamp(), digest, name))
        for known in self._known.values():
            known.sort(key=lambda each: each.app_created_ms, reverse=True)
        for live in self._live.values():
            live.sort(key=lambda each: each.since_s, reverse=True)

    def at(self, app_id: int, at_s: float) -> Description:
        """Who had the number then; nobody, when none is known (any more)."""
        known = self._known.get(app_id, [])
        had = (each for each in known if each.app_created_ms / 1000 <= at_s + CLOCKS_S)
        found = next(had, known[-1] if known else _NOBODYS)
        for live in self._live.get(app_id, ()):
            if found.app_created_ms / 1000 <= live.since_s <= at_s:
                return replace(found, image=live.image, image_name=live.image_name)
        return found


def of_replicas(session: Session, replica_ids: Sequence[str]) -> dict[str, Description]:
    """Those whose rows are there."""
    found = {}
    for some in _portions(replica_ids):
        for row in session.execute(_replicas(some)):
            of_app = _of_app(*row[:4])
            name = row.ref if row.source == "image" else ""
            found[row.replica] = replace(
                of_app,
                environment=row.environment,
                process=row.process,
                image=row.digest,
                image_name=name or "",
                replica_id=row.replica,
            )
    return found


def numbered(session: Session, wanted: Iterable[Description]) -> dict[Description, Subject]:
    """Their rows, made where there are none."""
    descriptions = sorted(set(wanted), key=lambda each: each.key)
    known = _rows(session, descriptions)
    missing = [each for each in descriptions if each.key not in known]
    if missing:
        table = UsageSubject.__table__
        assert isinstance(table, Table)  # noqa: S101  of a mapped class it is
        made = insert(session, table).on_conflict_do_nothing()
        session.connection().execute(made, [asdict(each) for each in missing])
        known |= _rows(session, missing)
    return {each: known[each.key] for each in descriptions}


def remember_app(session: Session, app: App) -> None:
    """What is told of the app after its row is gone is still its own."""
    numbered(session, [_of_app(app.id, app.tenant_id, app.name, app.created_at)])


def _rows(session: Session, wanted: Sequence[Description]) -> dict[tuple[object, ...], Subject]:
    keys = {each.key for each in wanted}
    of = UsageSubject
    columns = (of.app_id, of.app_created_ms, of.environment, of.process, of.image, of.replica_id, of.id, of.tenant_id)
    found: dict[tuple[object, ...], Subject] = {}
    for some in _portions(sorted({each.app_id for each in wanted})):
        # replicas are many and each is asked for alone; of apps and processes all rows of the app are
        replicas = sorted({each.replica_id for each in wanted if each.app_id in some})
        for few in _portions(replicas):
            query = select(*columns).where(of.app_id.in_(some), of.replica_id.in_(few))
            for *key, id_, tenant_id in session.execute(query):
                if tuple(key) in keys:
                    found[tuple(key)] = Subject(id_, tenant_id)
    return found


def _described(app_ids: Sequence[int]) -> Select[int, int, str, datetime]:
    return select(App.id, App.tenant_id, App.name, App.created_at).where(App.id.in_(app_ids))


def _of_app(app_id: int, tenant_id: int, name: str, created_at: datetime) -> Description:
    return Description(tenant_id, app_id, round(created_at.timestamp() * 1000), name)


def _former(session: Session, app_ids: Sequence[int]) -> Iterator[Description]:
    """Apps that had the numbers, as their use was counted."""
    of = UsageSubject
    query = select(of.tenant_id, of.app_id, of.app_created_ms, of.app_name).where(of.app_id.in_(app_ids)).distinct()
    for row in session.execute(query):
        yield Description(*row)


def _images(app_ids: Sequence[int]) -> Any:
    """What is live, and what was before it: records come within seconds of a switch."""
    live = Deployment.state == str(State.LIVE)
    before = select(Deployment.previous_id).where(Deployment.app_id.in_(app_ids), live)
    return (
        select(Deployment.app_id, Deployment.live_at, Release.digest, Deployment.source, Deployment.ref)
        .join(Release, Release.id == Deployment.release_id)
        .where(Deployment.live_at.is_not(None), (Deployment.app_id.in_(app_ids) & live) | Deployment.id.in_(before))
    )


def _replicas(ids: Sequence[str]) -> Any:
    return (
        select(
            App.id,
            App.tenant_id,
            App.name,
            App.created_at,
            Replica.id.label("replica"),
            Replica.environment,
            Replica.process,
            Release.digest,
            Deployment.source,
            Deployment.ref,
        )
        .join(App, App.id == Replica.app_id)
        .join(Release, Release.id == Replica.release_id)
        .outerjoin(Deployment, Deployment.id == Replica.deployment_id)
        .where(Replica.id.in_(ids))
    )


def _portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(values), AT_ONCE):
        yield values[first : first + AT_ONCE]
