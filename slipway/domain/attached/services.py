"""Which apps are services, who uses them, and what that forbids."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.attached.kinds import KINDS, Kind
from slipway.errors import Conflict
from slipway.models import App, AttachedService, ServiceAttachment


def service_of(session: Session, app_id: int) -> AttachedService | None:
    """None: the app is no service."""
    return session.scalar(select(AttachedService).filter_by(app_id=app_id))


def kind_of(session: Session, app_id: int) -> Kind | None:
    """None: the app is no service."""
    name = session.scalar(select(AttachedService.kind).filter_by(app_id=app_id))
    return KINDS[name] if name else None


def refuse_service(session: Session, app: App, what: str, remedy: str) -> None:
    """Raises `Conflict` where the app is a service: it can't `what`."""
    if service_of(session, app.id) is not None:
        raise Conflict(f"{app.name} is an attached service, which {what}", remedy=remedy)


def attachments_of(session: Session, service: AttachedService) -> list[tuple[ServiceAttachment, App]]:
    """Those of apps that are not being deleted, by the apps' names."""
    query = (
        select(ServiceAttachment, App)
        .join(App, App.id == ServiceAttachment.app_id)
        .where(ServiceAttachment.service_id == service.id, App.deleted_at.is_(None))
        .order_by(App.name)
    )
    return [(attachment, app) for attachment, app in session.execute(query)]


def refuse_attached(session: Session, app: App, names: Collection[str]) -> None:
    """Raises `Conflict` where a service sets one of these variables of the app, or the app is a service and has its
    credentials in one."""
    kind = kind_of(session, app.id)
    own = sorted(set(names) & kind.environment.keys()) if kind else []
    if own:
        raise Conflict(
            f"{own[0]} of {app.name} is the service's own", remedy=f"a new password: slipway services rotate {app.name}"
        )
    query = (
        select(ServiceAttachment.variable, App.name)
        .join(AttachedService, AttachedService.id == ServiceAttachment.service_id)
        .join(App, App.id == AttachedService.app_id)
        .where(ServiceAttachment.app_id == app.id)
    )
    for variable, service in session.execute(query):
        if variable in names:
            raise Conflict(
                f"{variable} of {app.name} comes from the service {service}",
                remedy=f"detach it first: slipway services detach {service} -a {app.name}\n"
                f"or have it renewed: slipway services rotate {service}",
            )
