"""Apps as documents, a thousand of them in as many queries as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from router import documents
from router.usecases.showing.deployments import show_deployments
from slipway.core.app_settings.configuration import PRODUCTION, WEB
from slipway.core.deployment.app_state import app_state
from slipway.core.deployment.states import UNFINISHED, State
from slipway.models import App, Build, Deployment, Domain, Release, Replica, Scale


def show_apps(session: Session, apps: Sequence[App], tenant: str, public_url: str) -> list[documents.App]:
    """In the order given. All of one tenant."""
    facts = _facts(session, [app.id for app in apps])
    rows = {row.id: row for row in (*facts.live.values(), *facts.latest.values())}  # mostly the same ones
    shown = {each.id: each for each in show_deployments(session, list(rows.values()), public_url)}
    return [_document(app, facts, shown, tenant, public_url) for app in apps]


def show_app(session: Session, app: App, tenant: str, public_url: str) -> documents.App:
    return show_apps(session, [app], tenant, public_url)[0]


def address_of(host: str, public_url: str) -> str:
    """How a host is reached from outside: the scheme and the port are those of the platform's own address."""
    parts = urlsplit(public_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}/"


@dataclass(frozen=True, slots=True)
class _Facts:
    """By app id."""

    live: dict[int, Deployment]
    latest: dict[int, Deployment]
    deploying: set[int]
    wanted: dict[int, int]
    replicas: dict[tuple[int, str], int]
    """(app, state) → how many."""
    file_settings: dict[int, dict[str, Any]]
    """What slipway.toml of the live commit sets."""
    hosts: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


def _facts(session: Session, ids: list[int]) -> _Facts:
    here = (Deployment.app_id.in_(ids), Deployment.environment == PRODUCTION)
    last = select(func.max(Deployment.id)).where(*here).group_by(Deployment.app_id)
    live = list(session.scalars(select(Deployment).where(*here, Deployment.state == "live")))
    facts = _Facts(
        live={row.app_id: row for row in live},
        latest={row.app_id: row for row in session.scalars(select(Deployment).where(Deployment.id.in_(last)))},
        deploying=set(session.scalars(select(Deployment.app_id).where(*here, _unfinished()))),
        wanted=_wanted(session, ids),
        replicas=_replicas(session, ids),
        file_settings=file_settings_of(session, live),
    )
    domains = select(Domain.app_id, Domain.host).where(Domain.app_id.in_(ids), Domain.environment == PRODUCTION)
    domains = domains.where(Domain.redirect_to.is_(None), Domain.host.not_like("*.%"))
    for app_id, host in session.execute(domains.order_by(Domain.id)):
        facts.hosts[app_id].append(host)
    return facts


def file_settings_of(session: Session, live: Sequence[Deployment]) -> dict[int, dict[str, Any]]:
    """App → what slipway.toml of its live commit sets, where that sets anything."""
    releases = [row.release_id for row in live]
    query = select(Release.app_id, Build.file_settings).join(Build, Build.id == Release.build_id)
    return {app_id: values for app_id, values in session.execute(query.where(Release.id.in_(releases))) if values}


def _unfinished() -> ColumnElement[bool]:
    return Deployment.state.in_([str(state) for state in UNFINISHED])


def _wanted(session: Session, ids: list[int]) -> dict[int, int]:
    query = select(Scale.app_id, Scale.replicas).where(Scale.app_id.in_(ids))
    return dict(session.execute(query.filter_by(environment=PRODUCTION, process=WEB)).all())


def _replicas(session: Session, ids: list[int]) -> dict[tuple[int, str], int]:
    query = (
        select(Replica.app_id, Replica.state, func.count())
        .where(Replica.app_id.in_(ids), Replica.ended_at.is_(None))
        .where(Replica.environment == PRODUCTION, Replica.process == WEB)
        .group_by(Replica.app_id, Replica.state)
    )
    return {(app_id, state): count for app_id, state, count in session.execute(query)}


def _document(
    app: App, facts: _Facts, shown: dict[int, documents.Deployment], tenant: str, public_url: str
) -> documents.App:
    live, latest = facts.live.get(app.id), facts.latest.get(app.id)
    wanted, ready = facts.wanted.get(app.id, 0), facts.replicas.get((app.id, "ready"), 0)
    state = app_state(
        deploying=app.id in facts.deploying,
        live=live is not None,
        latest=State(latest.state) if latest else None,
        wanted=wanted,
        ready=ready,
        crashed=facts.replicas.get((app.id, "crashed"), 0),
    )
    return documents.App(
        name=app.name,
        tenant=tenant,
        source=app.source,
        repository=app.repository,
        branch=app.branch,
        image=app.image,
        settings=app.settings,
        file_settings=facts.file_settings.get(app.id, {}),
        urls=[address_of(host, public_url) for host in facts.hosts[app.id]],
        state=str(state),
        live=shown[live.id] if live else None,
        latest=shown[latest.id] if latest else None,
        replicas=documents.ReplicaCount(wanted=wanted, ready=ready),
        created_at=app.created_at,
    )
