"""An app's trusted publishers: whose CI jobs may deploy it without a stored secret."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import NUMBER_MAX, app_named
from slipway.adapters.redis.identity_changes import IdentityChanges, of_publisher
from slipway.core.access.trusted_publishers import IssuerKind, parse
from slipway.core.naming import issuer_url
from slipway.core.text.counting import plural
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.errors import Conflict, DependencyUnavailable, NotFound
from slipway.models import App, TrustedPublisher

log = logging.getLogger(__name__)
MOST = 10
"""Of one app."""


def list_publishers(services: Services, principal: Principal, app_name: str) -> documents.TrustedPublishers:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = _of_app(session, app_named(session, app_name))
        return documents.TrustedPublishers(publishers=[shown(row) for row in rows])


def add_publisher(
    services: Services,
    principal: Principal,
    app_name: str,
    *,
    kind: IssuerKind,
    issuer: str,
    constraints: Mapping[str, str],
) -> documents.TrustedPublisher:
    """Raises `InvalidInput` when the settings do not allow the issuer, or a constraint is not well formed."""
    checked = issuer_url.parse(issuer, services.settings.issuer_hosts) if issuer else ""
    wanted = parse(kind, checked, constraints)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        _require_new(app, _of_app(session, app), wanted.issuer, wanted.constraints)
        row = TrustedPublisher(
            tenant_id=app.tenant_id,
            app_id=app.id,
            kind=str(kind),
            issuer=wanted.issuer,
            constraints=dict(wanted.constraints),
        )
        session.add(row)
        session.flush()
        facts = {"publisher": row.id, "kind": str(kind), "issuer": row.issuer, "constraints": row.constraints}
        audit.record(session, app.tenant_id, principal.actor, Action.PUBLISHER_ADD, app.name, **facts)
        return shown(row)


def remove_publisher(services: Services, principal: Principal, app_name: str, number: int) -> None:
    """What its jobs have been given ends with it."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        query = select(TrustedPublisher).filter_by(id=number, app_id=app.id)
        row = session.scalar(query) if number <= NUMBER_MAX else None
        if row is None:
            remedy = f"see them: slipway publishers list -a {app.name}"
            raise NotFound(f"{app.name} has no trusted publisher {number}.", remedy=remedy)
        session.delete(row)
        facts = {"publisher": number, "kind": row.kind, "issuer": row.issuer, "constraints": row.constraints}
        audit.record(session, app.tenant_id, principal.actor, Action.PUBLISHER_REMOVE, app.name, **facts)
    _report_removed(services, number)


def _report_removed(services: Services, number: int) -> None:
    """So that streams that its jobs read end at once; by themselves they do after some seconds."""
    try:
        IdentityChanges(services.redis).publish(of_publisher(number))
    except DependencyUnavailable as error:
        log.warning("streams of a removed publisher end later", extra={"publisher": number, "why": error.message})


def _of_app(session: Session, app: App) -> list[TrustedPublisher]:
    query = select(TrustedPublisher).filter_by(app_id=app.id).order_by(TrustedPublisher.id)
    return list(session.scalars(query))


def _require_new(app: App, rows: list[TrustedPublisher], issuer: str, constraints: Mapping[str, str]) -> None:
    for row in rows:
        if row.issuer == issuer and row.constraints == constraints:
            raise Conflict(f"{app.name} trusts these jobs already: it is publisher {row.id}")
    if len(rows) >= MOST:
        raise Conflict(
            f"{app.name} has {plural(MOST, 'trusted publisher')}, as many as an app may",
            remedy=f"remove one: slipway publishers remove NUMBER -a {app.name}",
        )


def shown(row: TrustedPublisher) -> documents.TrustedPublisher:
    return documents.TrustedPublisher(
        id=row.id,
        kind=row.kind,
        issuer=row.issuer,
        constraints=row.constraints,
        pinned=row.pinned,
        created_at=row.created_at,
        used_at=row.used_at,
    )
