"""The identity provider held to what the database knows: each tenant has its groups."""

from __future__ import annotations

from sqlalchemy import select

from slipway.core.identity.differences import Difference
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.db import Database
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.models import Tenant
from slipway.ports.identity import IdentityProvider

_DETAILS_MOST = 50


def sync(database: Database, provider: IdentityProvider, actor: Actor, *, dry_run: bool) -> list[Difference]:
    """Set up the identity provider, or repair what differs; what was repaired is in the audit log.

    Raises:
        DependencyUnavailable: the database or the provider does not answer.
        IdentityRefused: the provider does not let Slipway in.
    """
    with database.read(platform="the tenants' groups") as session:
        tenants = [group_of(tenant) for tenant in session.scalars(select(Tenant).order_by(Tenant.name))]
    found = provider.sync(tenants, dry_run=dry_run)
    repaired = [each for each in found if not each.left]
    if repaired and not dry_run:
        with database.write(platform="the identity provider was repaired") as session:
            sentences = [each.sentence for each in repaired]
            audit.record(session, None, actor, Action.IDENTITY_SYNC, "keycloak", repaired=sentences[:_DETAILS_MOST])
    return found


def group_of(tenant: Tenant) -> TenantGroup:
    """SQLite gives numbers out again: hence the second in which it was made."""
    return TenantGroup(tenant.name, f"{tenant.id}.{int(tenant.created_at.timestamp())}")
