"""Finds and makes the subjects of what was used: the app that had a number at a time, a replica and its process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Table, Text, any_, cast, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from slipway.core.deployment.states import State
from slipway.core.usage.records import NOBODY
from slipway.domain.usage.storing import Subject, array_text, insert
from slipway.models import App, Deployment, Release, Replica, UsageSubject

Key = tuple[int, int, str, str, str, str]
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
    def key(self) -> Key:
        return self.app_id, self.app_created_ms, self.environment, self.process, self.image, self.replica_id


_COLUMNS = (
    *(UsageSubject.id, UsageSubject.tenant_id, UsageSubject.app_id, UsageSubject.app_created_ms, UsageSubject.app_name),
    *(UsageSubject.environment, UsageSubject.process, UsageSubject.image, UsageSubject.replica_id),
)
_IS_TRAFFIC = (UsageSubject.process == "") & (UsageSubject.replica_id == "")
_NOBODYS = Description(None, NOBODY, 0, "")


@dataclass(frozen=True, slots=True)
class _Live:
    """An image that was live from a time on (Unix seconds)."""

    since_s: float
    image: str
    image_name: str


class Apps:
    """Whose traffic an app's number stands for. Read before the transaction that counts.

    Args:
        since_s: when the earliest record ended that is asked about (Unix seconds).
    """

    def __init__(self, session: Session, app_ids: Iterable[int], since_s: float) -> None:
        self._since_s = since_s
        self._known: dict[int, list[Description]] = defaultdict(list)
        self._live: dict[int, list[_Live]] = defaultdict(list)
        self._always: dict[int, Description] = {}
        self.numbers: dict[Key, Subject] = {}
        """Of the subjects that there are."""
        for some in _portions(sorted(set(app_ids) - {NOBODY})):
            self._read(session, some)
        for known in self._known.values():
            known.sort(key=lambda each: each.app_created_ms, reverse=True)
        for live in self._live.values():
            live.sort(key=lambda each: each.since_s, reverse=True)

    def at(self, app_id: int, at_s: float) -> Description:
        """Who had the number then; nobody, when none is known (any more)."""
        always = self._always.get(app_id)
        if always is not None:
            return always
        known, live = self._known.get(app_id, []), self._live.get(app_id, [])
        had = (each for each in known if each.app_created_ms / 1000 <= at_s + CLOCKS_S)
        found = next(had, known[-1] if known else _NOBODYS)
        was_live = (each for each in live if found.app_created_ms / 1000 <= each.since_s <= at_s)
        if image := next(was_live, None):
            found = replace(found, image=image.image, image_name=image.image_name)
        if all(each.app_created_ms / 1000 <= self._since_s for each in known) and all(
            each.since_s <= self._since_s for each in live
        ):
            self._always[app_id] = found
        return found

    def _read(self, session: Session, app_ids: Sequence[int]) -> None:
        known = {
            (each.app_id, each.app_created_ms): each
            for each in map(_of_row, session.execute(_described(_one_of(session, App.id, app_ids))))
        }
        for row in session.execute(
            select(*_COLUMNS).where(_one_of(session, UsageSubject.app_id, app_ids), _IS_TRAFFIC)
        ):
            former = Description(row.tenant_id, row.app_id, row.app_created_ms, row.app_name)
            self.numbers[(row.app_id, row.app_created_ms, "", "", row.image, "")] = Subject(row.id, row.tenant_id)
            known.setdefault((row.app_id, row.app_created_ms), former)
        for each in known.values():
            self._known[each.app_id].append(each)
        images = session.execute(_images(_one_of(session, Deployment.app_id, app_ids)))
        for app_id, live_at, digest, source, ref in images:
            self._live[app_id].append(_Live(live_at.timestamp(), digest, ref if source == "image" else ""))


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


def numbered(
    session: Session, wanted: Iterable[Description], known: Mapping[Key, Subject] = MappingProxyType({})
) -> dict[Description, Subject]:
    """Their rows, made where there are none. `known`: of those that are known already."""
    descriptions = sorted(set(wanted), key=lambda each: each.key)
    unknown = [each for each in descriptions if each.key not in known]
    found = {**known, **_rows(session, unknown)}
    missing = [each for each in unknown if each.key not in found]
    if missing:
        table = UsageSubject.__table__
        assert isinstance(table, Table)  # noqa: S101  of a mapped class it is
        made = insert(session, table).on_conflict_do_nothing()
        session.connection().execute(made, [asdict(each) for each in missing])
        found |= _rows(session, missing)
    return {each: found[each.key] for each in descriptions}


def remember_app(session: Session, app: App) -> None:
    """What is reported of the app after its row is gone is still its own."""
    numbered(session, [_of_app(app.id, app.tenant_id, app.name, app.created_at)])


def _rows(session: Session, wanted: Sequence[Description]) -> dict[Key, Subject]:
    found: dict[Key, Subject] = {}
    for some in _portions(sorted({each.app_id for each in wanted if not each.replica_id})):
        found |= _matching(session, UsageSubject.app_id.in_(some), UsageSubject.replica_id == "")
    for some in _portions(sorted({(each.app_id, each.replica_id) for each in wanted if each.replica_id})):
        apps, replicas = {app_id for app_id, _ in some}, {replica_id for _, replica_id in some}
        found |= _matching(session, UsageSubject.app_id.in_(apps), UsageSubject.replica_id.in_(replicas))
    return found


def _matching(session: Session, *conditions: ColumnElement[bool]) -> dict[Key, Subject]:
    return {
        (row.app_id, row.app_created_ms, row.environment, row.process, row.image, row.replica_id): Subject(
            row.id, row.tenant_id
        )
        for row in session.execute(select(*_COLUMNS).where(*conditions))
    }


def _one_of(session: Session, column: InstrumentedAttribute[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """On PostgreSQL the ids are one value. A value for each costs more to write and to bind than to look up."""
    if session.get_bind().dialect.name != "postgresql":
        return column.in_(ids)
    return column == any_(cast(literal(array_text(ids), Text()), ARRAY(column.type)))


def _described(is_wanted: ColumnElement[bool]) -> Select[int, int, str, datetime]:
    return select(App.id, App.tenant_id, App.name, App.created_at).where(is_wanted)


def _of_row(row: Any) -> Description:
    return _of_app(*row)


def _of_app(app_id: int, tenant_id: int, name: str, created_at: datetime) -> Description:
    return Description(tenant_id, app_id, round(created_at.timestamp() * 1000), name)


def _images(is_wanted: ColumnElement[bool]) -> Any:
    """What is live, and what was before it: records come within seconds of a switch."""
    live = is_wanted & (Deployment.state == str(State.LIVE))
    before = select(Deployment.previous_id).where(live)
    return (
        select(Deployment.app_id, Deployment.live_at, Release.digest, Deployment.source, Deployment.ref)
        .join(Release, Release.id == Deployment.release_id)
        .where(Deployment.live_at.is_not(None), live | Deployment.id.in_(before))
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
