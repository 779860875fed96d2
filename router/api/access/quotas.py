"""Quotas and plans."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from pydantic import Field, StrictFloat, StrictInt, StrictStr

from router import documents
from router.access import principal, services
from router.api.access.limits import NewLimit
from router.api.operation import Input, Text, operation
from router.usecases.access import quotas
from slipway.core.access.roles import Role

Value = StrictInt | StrictFloat | StrictStr | None
blueprint = APIBlueprint("quotas", __name__, tag="Quotas")
_VALUES: Any = Field(default_factory=dict, description="By name: a number, unlimited, or null, which takes it back.")


class NewPlan(Input):
    name: Text
    quotas: dict[str, Value] = _VALUES


class ChangedQuotas(Input):
    quotas: dict[str, Value] = _VALUES


class AssignedPlan(Input):
    plan: Text


@operation(blueprint, "GET", "/api/quota", role=Role.VIEWER, output=documents.TenantQuota)
def get_quota() -> documents.TenantQuota:
    """What your tenant uses, and what it may use"""
    return quotas.own_quota(services(), principal())


@operation(blueprint, "GET", "/api/plans", role=Role.VIEWER, output=documents.Plans)
def list_plans() -> documents.Plans:
    """All plans, and which tenants have them

    For people with the role platform-admin.
    """
    return quotas.list_plans(services(), principal())


@operation(blueprint, "POST", "/api/plans", role=Role.VIEWER, body=NewPlan, output=documents.Plan, status=201)
def create_plan(body: NewPlan) -> documents.Plan:
    """Make a plan

    For people with the role platform-admin. What it does not say, the plan default says.
    """
    return quotas.create_plan(services(), principal(), body.name, body.quotas)


@operation(blueprint, "PATCH", "/api/plans/<plan>", role=Role.VIEWER, body=ChangedQuotas, output=documents.Plan)
def change_plan(plan: str, body: ChangedQuotas) -> documents.Plan:
    """Change a plan's quotas

    For people with the role platform-admin. What runs goes on, also where it is more than is allowed from now on.
    """
    return quotas.change_plan(services(), principal(), plan, body.quotas)


@operation(blueprint, "DELETE", "/api/plans/<plan>", role=Role.VIEWER, status=204)
def remove_plan(plan: str) -> tuple[str, int]:
    """Remove a plan that no tenant has

    For people with the role platform-admin.
    """
    quotas.remove_plan(services(), principal(), plan)
    return "", 204


@operation(blueprint, "PUT", "/api/plans/<plan>/limits/<name>", role=Role.VIEWER, body=NewLimit, output=documents.Plan)
def set_plan_limit(plan: str, name: str, body: NewLimit) -> documents.Plan:
    """Give a plan a limit on callers' requests, or change it

    For people with the role platform-admin. It holds for each tenant of the plan over all its apps, within a second.
    """
    return quotas.set_plan_limit(services(), principal(), plan, body.named(name))


@operation(blueprint, "DELETE", "/api/plans/<plan>/limits/<name>", role=Role.VIEWER, status=204)
def remove_plan_limit(plan: str, name: str) -> tuple[str, int]:
    """Take a limit away from a plan

    For people with the role platform-admin.
    """
    quotas.remove_plan_limit(services(), principal(), plan, name)
    return "", 204


@operation(blueprint, "GET", "/api/tenants/<tenant>/quota", role=Role.VIEWER, output=documents.TenantQuota)
def get_tenant_quota(tenant: str) -> documents.TenantQuota:
    """What a tenant uses, and what it may use

    For people with the role platform-admin.
    """
    return quotas.quota_of(services(), principal(), tenant)


@operation(
    blueprint,
    "PATCH",
    "/api/tenants/<tenant>/quota",
    role=Role.VIEWER,
    body=ChangedQuotas,
    output=documents.TenantQuota,
)
def change_tenant_quota(tenant: str, body: ChangedQuotas) -> documents.TenantQuota:
    """Give one tenant other quotas than its plan's

    For people with the role platform-admin.
    """
    return quotas.change_quota(services(), principal(), tenant, body.quotas)


@operation(
    blueprint,
    "PUT",
    "/api/tenants/<tenant>/plan",
    role=Role.VIEWER,
    body=AssignedPlan,
    output=documents.TenantQuota,
)
def assign_plan(tenant: str, body: AssignedPlan) -> documents.TenantQuota:
    """Give a tenant another plan

    For people with the role platform-admin.
    """
    return quotas.assign_plan(services(), principal(), tenant, body.plan)
