"""How much of each quota a tenant uses, counted from the rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_, select
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
    query = select(Volume.app_id, Volume.environment, Volume.name)
    query = query.where(Volume.tenant_id == tenant_id, Volume.removal_requested_at.is_(None))
    known = set(session.scalars(select(App.id).where(*_of(tenant_id))))
    found: dict[Place, set[str]] = defaultdict(set)
    others = 0
    for app_id, environment, name in session.execute(query):
        if app_id in known:
            found[app_id, environment].add(name)
        else:
            others += 1
    return found, others


def _releases(session: Session, tenant_id: int, without: int | None) -> dict[Place, list[Configuration]]:
    """What serves, and what starts with a frozen configuration. While a deployment is watched, also the release before,
    which comes back when the new one fails."""
    under_way = list(_under_way(session, tenant_id, without))
    standing_by = [row.previous_id for row in under_way if _is_watched(row) and row.previous_id]
    before = select(Deployment.release_id).where(Deployment.id.in_(standing_by))
    ids = {row.release_id for row in under_way} | (set(session.scalars(before)) if standing_by else set())
    frozen = cast(Release.configuration, Text)
    query = select(Release.app_id, Release.environment, frozen).where(Release.id.in_(ids))
    found: dict[Place, list[Configuration]] = defaultdict(list)
    for app_id, environment, text in session.execute(query):
        if configuration := _configuration(text):
            found[app_id, environment].append(configuration)
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


def _under_way(session: Session, tenant_id: int, without: int | None) -> Iterator[Any]:
    columns = (Deployment.id, Deployment.release_id, Deployment.previous_id, Deployment.state, Deployment.steps)
    states = [str(State.LIVE), str(State.STARTING)]
    query = select(*columns).join(App, App.id == Deployment.app_id).where(*_of(tenant_id))
    rows = session.execute(query.where(Deployment.state.in_(states), Deployment.release_id.is_not(None)))
    return (row for row in rows if row.id != without)


def _is_watched(row: Any) -> bool:
    last = row.steps[-1] if row.steps else None
    return row.state == State.LIVE and last is not None and last["name"] == "watch" and last["ended_at"] is None
