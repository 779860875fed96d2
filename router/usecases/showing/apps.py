"""Apps as documents, a thousand of them in as many queries as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.usecases.showing.app_states import AppFigures, figures_of
from router.usecases.showing.deployments import show_deployments
from slipway.core.app_settings.configuration import PRODUCTION
from slipway.core.deployment.states import State
from slipway.domain.certificates.host_addresses import addresses_of
from slipway.models import App, Build, Deployment, Domain, Release
from slipway.settings import Settings


def show_apps(
    session: Session,
    apps: Sequence[App],
    tenant: str,
    settings: Settings,
    figures: Mapping[int, AppFigures] | None = None,
) -> list[documents.App]:
    """In the order given. All of one tenant. `figures` are theirs, where they are known already."""
    ids = [app.id for app in apps]
    facts = _facts(session, settings, ids, figures_of(session, ids) if figures is None else figures)
    rows = list(facts.deployments.values())
    shown = {each.id: each for each in show_deployments(session, rows, settings.public_url)}
    return [_document(app, facts, shown, tenant) for app in apps]


def show_app(session: Session, app: App, tenant: str, settings: Settings) -> documents.App:
    return show_apps(session, [app], tenant, settings)[0]


@dataclass(frozen=True, slots=True)
class _Facts:
    """By app id."""

    figures: Mapping[int, AppFigures]
    deployments: dict[int, Deployment]
    """Those that are live and the latest ones, by their own id."""
    file_settings: dict[int, dict[str, Any]]
    """What slipway.toml of the live commit sets."""
    urls: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


def _facts(session: Session, settings: Settings, ids: list[int], figures: Mapping[int, AppFigures]) -> _Facts:
    wanted = {found for each in figures.values() for found in (each.live_id, each.latest_id) if found is not None}
    rows = list(session.scalars(select(Deployment).where(Deployment.id.in_(wanted))))
    live = [row for row in rows if row.state == State.LIVE]
    facts = _Facts(figures, {row.id: row for row in rows}, file_settings_of(session, live))
    domains = select(Domain.app_id, Domain.host).where(Domain.app_id.in_(ids), Domain.environment == PRODUCTION)
    domains = domains.where(Domain.redirect_to.is_(None), Domain.host.not_like("*.%"))
    found = session.execute(domains.order_by(Domain.id)).all()
    addresses = addresses_of(session, settings, [host for _, host in found])
    for app_id, host in found:
        facts.urls[app_id].append(addresses[host])
    return facts


def file_settings_of(session: Session, live: Sequence[Deployment]) -> dict[int, dict[str, Any]]:
    """App → what slipway.toml of its live commit sets, where that sets anything."""
    releases = [row.release_id for row in live]
    query = select(Release.app_id, Build.file_settings).join(Build, Build.id == Release.build_id)
    return {app_id: values for app_id, values in session.execute(query.where(Release.id.in_(releases))) if values}


def _document(app: App, facts: _Facts, shown: dict[int, documents.Deployment], tenant: str) -> documents.App:
    figures = facts.figures[app.id]
    return documents.App(
        name=app.name,
        tenant=tenant,
        source=app.source,
        repository=app.repository,
        branch=app.branch,
        image=app.image,
        settings=app.settings,
        file_settings=facts.file_settings.get(app.id, {}),
        urls=facts.urls[app.id],
        state=str(figures.state),
        live=shown[figures.live_id] if figures.live_id is not None else None,
        latest=shown[figures.latest_id] if figures.latest_id is not None else None,
        replicas=documents.ReplicaCount(wanted=figures.wanted, ready=figures.ready),
        created_at=app.created_at,
    )
