"""What is shown of a tenant's quota and of plans: the same to the API and to the host's command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.quota import quotas
from slipway.core.quota.build_time import Month
from slipway.core.quota.quotas import Quota
from slipway.domain.quota.enforcement import DEFAULT, limits_of
from slipway.domain.quota.usage import use_of
from slipway.models import Plan, Tenant, now


@dataclass(frozen=True, slots=True)
class QuotaShown:
    """Amounts in the unit in which they are said."""

    name: str
    used: float
    limit: float | None
    """None: unlimited."""
    own: bool
    """It is the tenant's own value, and not its plan's."""


@dataclass(frozen=True, slots=True)
class TenantQuotaShown:
    tenant: str
    plan: str
    quotas: list[QuotaShown]
    month_ends_at: datetime
    """When build minutes are counted from 0 again."""


@dataclass(frozen=True, slots=True)
class PlanShown:
    name: str
    quotas: dict[str, Any]
    """Those that it says, as numbers or `unlimited`."""
    limits: list[dict[str, Any]] | None
    """None: those of the plan `default`."""
    tenants: list[str]


def tenant_quota(session: Session, tenant_id: int) -> TenantQuotaShown:
    """What the tenant uses, and what it may use."""
    tenant = session.get_one(Tenant, tenant_id)
    plan = session.get(Plan, tenant.plan_id) if tenant.plan_id else None
    limits, used, own = limits_of(session, tenant_id), use_of(session, tenant_id), tenant.quotas or {}
    return TenantQuotaShown(
        tenant=tenant.name,
        plan=plan.name if plan else DEFAULT,
        quotas=[_shown(quota, used[quota], limits[quota], own=quota in own) for quota in Quota],
        month_ends_at=Month.of(now()).end,
    )


def plan_shown(session: Session, plan: Plan) -> PlanShown:
    """Of the plan `default` the tenants that have no other, and the host's settings where it says nothing."""
    has_it = Tenant.plan_id == plan.id
    if plan.name == DEFAULT:
        has_it |= Tenant.plan_id.is_(None)
    tenants = session.scalars(select(Tenant.name).where(has_it).order_by(Tenant.name))
    said = {**(plan.host_quotas or {}), **plan.quotas}
    return PlanShown(plan.name, {name: said[name] for name in Quota if name in said}, plan.limits, list(tenants))


def _shown(quota: Quota, used: int, limit: int | None, *, own: bool) -> QuotaShown:
    return QuotaShown(str(quota), quotas.shown(quota, used) or 0, quotas.shown(quota, limit), own)
