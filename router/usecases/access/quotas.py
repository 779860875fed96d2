"""What a tenant may use. Each tenant sees its own; plans are changed by the platform's administrators alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from router import documents
from router.documents.limits import SCOPES
from router.principal import Principal
from router.services import Services
from slipway.core.app_settings import limits
from slipway.core.app_settings.limits import Limit
from slipway.domain.quota.plans import Plans
from slipway.domain.quota.showing import PlanShown, TenantQuotaShown, tenant_quota

_OF_PLANS = SCOPES[-1]


def own_quota(services: Services, principal: Principal) -> documents.TenantQuota:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return _shown(tenant_quota(session, principal.tenant_id))


def list_plans(services: Services, principal: Principal) -> documents.Plans:
    return documents.Plans(plans=[_plan(each) for each in _plans(services, principal).all()])


def create_plan(services: Services, principal: Principal, name: str, quotas: Mapping[str, Any]) -> documents.Plan:
    return _plan(_plans(services, principal).create(name, quotas))


def change_plan(services: Services, principal: Principal, name: str, quotas: Mapping[str, Any]) -> documents.Plan:
    return _plan(_plans(services, principal).change(name, quotas))


def remove_plan(services: Services, principal: Principal, name: str) -> None:
    _plans(services, principal).remove(name)


def set_plan_limit(services: Services, principal: Principal, name: str, limit: Limit) -> documents.Plan:
    return _plan(_plans(services, principal).set_limit(name, limit))


def remove_plan_limit(services: Services, principal: Principal, name: str, limit: str) -> None:
    _plans(services, principal).remove_limit(name, limit)


def assign_plan(services: Services, principal: Principal, tenant: str, plan: str) -> documents.TenantQuota:
    return _shown(_plans(services, principal).assign(plan, tenant))


def quota_of(services: Services, principal: Principal, tenant: str) -> documents.TenantQuota:
    return _shown(_plans(services, principal).quota_of(tenant))


def change_quota(
    services: Services, principal: Principal, tenant: str, quotas: Mapping[str, Any]
) -> documents.TenantQuota:
    return _shown(_plans(services, principal).change_quota(tenant, quotas))


def _plans(services: Services, principal: Principal) -> Plans:
    principal.require_platform_admin()
    return Plans(services.db, principal.actor, services.queue.wake_agent)


def _shown(quota: TenantQuotaShown) -> documents.TenantQuota:
    return documents.TenantQuota(**asdict(quota))


def _plan(plan: PlanShown) -> documents.Plan:
    found = None if plan.limits is None else limits.read(plan.limits)
    shown = found if found is None else [documents.Limit(scope=_OF_PLANS, **each.model_dump()) for each in found]
    return documents.Plan(name=plan.name, quotas=plan.quotas, limits=shown, tenants=plan.tenants)
