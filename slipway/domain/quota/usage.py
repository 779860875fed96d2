"""How much of each quota a tenant uses, counted from the rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import Configuration
from slipway.core.deployment.states import State
from slipway.core.quota.build_time import Month, built_s
from slipway.core.quota.demand import AppUse, total
from slipway.core.quota.quotas import Quota
from slipway.core.runs.states import ACTIVE
from slipway.models import App, BuildTime, Deployment, Domain, Release, Run, Scale, Volume, now

Place = tuple[int, str]
"""App id, environment."""
KEPT_CONFIGURATIONS = 4096
_NOT_ENDED = json.dumps({"ended_at": None})[1:-1]
"""What the JSON of a step has that has not ended."""


@dataclass(frozen=True, slots=True)
class Running:
    """What a tenant's apps run, or are about to run."""

    apps: Mapping[Place, AppUse]
    other_volumes: int
    """Those that deleted apps left."""

    def at(self, place: Place) -> AppUse:
        return self.apps.get(place, AppUse())

    def demand(self, place: Place) -> dict[Quota, int]:
        return self.at(place).demand().amounts()

    def total(self) -> dict[Quota, int]:
        sums = total(each.demand() for each in self.apps.values())
        return sums | {Quota.VOLUMES: sums[Quota.VOLUMES] + self.other_volumes}


def use_of(session: Session, tenant_id: int) -> dict[Quota, int]:
    """All that is used."""
    return {
        **running(session, tenant_id).total(),
        Quota.APPS: apps(session, tenant_id),
        Quota.DOMAINS: custom_domains(session, tenant_id),
        Quota.BUILD_MINUTES: build_seconds(session, tenant_id, now()),
    }


def apps(session: Session, tenant_id: int) -> int:
    return session.scalar(select(func.count(App.id)).where(*_of(tenant_id))) or 0


def custom_domains(session: Session, tenant_id: int) -> int:
    query = select(func.count(Domain.id)).join(App, App.id == Domain.app_id).where(*_of(tenant_id))
    return session.scalar(query.where(Domain.custom)) or 0


def build_seconds(session: Session, tenant_id: int, moment: datetime) -> int:
    """In the month of the moment."""
    month = Month.of(moment)
    query = select(BuildTime.started_at, BuildTime.ended_at).where(
        BuildTime.tenant_id == tenant_id,
        BuildTime.started_at < month.end,
        or_(BuildTime.ended_at.is_(None), BuildTime.ended_at > month.start),
    )
    return built_s([(started, ended) for started, ended in session.execute(query)], month, moment)


def running(session: Session, tenant_id: int, *, without: int | None = None) -> Running:
    """`without`: a deployment that shall not count."""
    releases, scales = _releases(session, tenant_id, without), _scales(session, tenant_id)
    volumes, others = _volumes(session, tenant_id)
    runs = _runs(session, tenant_id)
    return Running(
        {
            place: AppUse(tuple(releases[place]), scales[place], frozenset(volumes[place]), runs=tuple(runs[place]))
            for place in {*releases, *scales, *volumes, *runs}
        },
        others,
    )


def _of(tenant_id: int) -> tuple[ColumnElement[bool], ...]:
    """Apps that count: one that is being deleted takes nothing any more."""
    return App.tenant_id == tenant_id, App.deleted_at.is_(None)


def _scales(session: Session, tenant_id: int) -> dict[Place, dict[str, int]]:
    query = select(Scale.app_id, Scale.environment, Scale.process, Scale.replicas)
    found: dict[Place, dict[str, int]] = defaultdict(dict)
    for app_id, environment, process, replicas in session.execute(
        query.join(App, App.id == Scale.app_id).where(*_of(tenant_id))
    ):
        found[app_id, environment][process] = replicas
    return found


def _volumes(session: Session, tenant_id: int) -> tuple[dict[Place, set[str]], int]:
    """Names by app, and how many have no app."""
    counts = and_(App.id == Volume.app_id, *_of(tenant_id))
    query = select(App.id, Volume.environment, Volume.name).select_from(Volume).outerjoin(App, counts)
    rows: Any = session.execute(query.where(Volume.tenant_id == tenant_id, Volume.removal_requested_at.is_(None)))
    found: dict[Place, set[str]] = defaultdict(set)
    others = 0
    for app_id, environment, name in rows:
        if app_id is None:
            others += 1
        else:
            found[app_id, environment].add(name)
    return found, others


def _releases(session: Session, tenant_id: int, without: int | None) -> dict[Place, list[Configuration]]:
    """What serves, and what starts with a frozen configuration. While a deployment is watched, also the release before,
    which comes back when the new one fails."""
    under_way = [row for row in session.execute(_under_way(tenant_id)) if row.id != without]
    standing_by = [row.previous_id for row in under_way if _is_watched(row) and row.previous_id]
    before = _frozen().where(Deployment.id.in_(standing_by))
    rows = [*under_way, *(session.execute(before) if standing_by else ())]
    found: dict[Place, list[Configuration]] = defaultdict(list)
    for row in {row.release_id: row for row in rows}.values():
        if configuration := _configuration(row.configuration):
            found[row.app_id, row.environment].append(configuration)
    return found


def _runs(session: Session, tenant_id: int) -> dict[Place, list[Configuration]]:
    """The configuration of each command that runs, or is about to."""
    query = (
        select(Run.app_id, Run.environment, cast(Release.configuration, Text))
        .join(Release, Release.id == Run.release_id)
        .join(App, App.id == Run.app_id)
        .where(*_of(tenant_id), Run.state.in_([str(state) for state in ACTIVE]))
    )
    found: dict[Place, list[Configuration]] = defaultdict(list)
    for app_id, environment, text in session.execute(query):
        if configuration := _configuration(text):
            found[app_id, environment].append(configuration)
    return found


@lru_cache(KEPT_CONFIGURATIONS)
def _configuration(text: str) -> Configuration | None:
    """Kept by its text, which many releases share: to read a thousand of them takes a tenth of a second."""
    values = json.loads(text)
    return Configuration.from_json(values) if values else None


def _frozen() -> Select[Any]:
    """Deployments with the configurations of their releases, as text."""
    text = cast(Release.configuration, Text).label("configuration")
    columns: tuple[Any, ...] = (Deployment.release_id, Release.app_id, Release.environment, text)
    return select(*columns).join(Release, Release.id == Deployment.release_id)


def _under_way(tenant_id: int) -> Select[Any]:
    steps = cast(Deployment.steps, Text).label("steps")
    query = _frozen().add_columns(Deployment.id, Deployment.previous_id, Deployment.state, steps)
    states = [str(State.LIVE), str(State.STARTING)]
    return query.join(App, App.id == Deployment.app_id).where(*_of(tenant_id), Deployment.state.in_(states))


def _is_watched(row: Row[Any]) -> bool:
    """`steps` is read where it may say so: to decode those of a thousand deployments takes some milliseconds."""
    if row.state != State.LIVE or _NOT_ENDED not in row.steps:
        return False
    steps = json.loads(row.steps)
    return bool(steps) and steps[-1]["name"] == "watch" and steps[-1]["ended_at"] is None
