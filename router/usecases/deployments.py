"""Deployments: made by hand, rolled back, cancelled, looked at."""

from __future__ import annotations

import re

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named, deployment_numbered
from router.usecases.showing_deployments import show_deployment, show_deployments
from slipway import audit, intents
from slipway.core import validation
from slipway.errors import InvalidInput
from slipway.models import App, Deployment

_KEY = re.compile(r"[!-~]{1,128}")


def list_deployments(
    services: Services, principal: Principal, app_name: str, *, limit: int, before: int | None
) -> documents.Deployments:
    """The newest first; `before` is the last id of the page before."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        query = select(Deployment).filter_by(app_id=app.id).order_by(Deployment.id.desc()).limit(limit)
        if before is not None:
            query = query.where(Deployment.id < before)
        rows = session.scalars(query).all()
        return documents.Deployments(deployments=show_deployments(session, rows, services.settings.public_url))


def get_deployment(services: Services, principal: Principal, number: int) -> documents.Deployment:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return show_deployment(session, deployment_numbered(session, number), services.settings.public_url)


def deploy(
    services: Services,
    principal: Principal,
    app_name: str,
    *,
    ref: str | None = None,
    commit: str | None = None,
    idempotency_key: str = "",
) -> documents.Deployment:
    """Deploy a ref (the app's branch when none is given) or a commit. The same key again is the same deployment."""
    if idempotency_key and not _KEY.fullmatch(idempotency_key):
        raise InvalidInput("that can't be an Idempotency-Key", remedy="use 1 to 128 printable ASCII characters")
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        made = intents.deploy(
            session,
            app,
            ref=validation.branch(ref) if ref else _default_ref(app),
            commit_sha=validation.commit_sha(commit) if commit else "",
            idempotency_key=idempotency_key,
            actor=principal.actor.name,
        )
        audit.record(session, app.tenant_id, principal.actor, "deployment.create", app.name, deployment=made.id)
        shown = show_deployment(session, made, services.settings.public_url)
    intents.announce(services.queue, [made])
    return shown


def roll_back(services: Services, principal: Principal, app_name: str, to: int | None) -> documents.Deployment:
    """Back to release `to`, or to the one that was live before."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        made = intents.rollback(session, app, to=to, actor=principal.actor.name)
        audit.record(session, app.tenant_id, principal.actor, "deployment.rollback", app.name, deployment=made.id)
        shown = show_deployment(session, made, services.settings.public_url)
    intents.announce(services.queue, [made])
    return shown


def cancel(services: Services, principal: Principal, number: int) -> documents.Deployment:
    """Stop it: at once when nobody has it in hand, soon otherwise."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        deployment = deployment_numbered(session, number, to_change=True)
        intents.cancel(deployment, actor=principal.actor.name)
        audit.record(session, deployment.tenant_id, principal.actor, "deployment.cancel", str(number))
        session.flush()
        shown = show_deployment(session, deployment, services.settings.public_url)
    services.queue.wake_agent(deployment.app_id)
    return shown


def _default_ref(app: App) -> str:
    return app.image if app.source == "image" else f"refs/heads/{app.branch}"
