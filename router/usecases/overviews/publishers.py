"""All trusted publishers of a tenant, with the apps that trust them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.access import publishers
from slipway.models import App, TrustedPublisher


@dataclass(frozen=True, slots=True)
class AppPublisher:
    app: str
    publisher: documents.TrustedPublisher


def of_tenant(services: Services, principal: Principal) -> list[AppPublisher]:
    """By app, then in the order in which they were added."""
    query = (
        select(App.name, TrustedPublisher)
        .join(App, App.id == TrustedPublisher.app_id)
        .where(App.deleted_at.is_(None))
        .order_by(App.name, TrustedPublisher.id)
    )
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return [AppPublisher(name, publishers.shown(row)) for name, row in session.execute(query)]
