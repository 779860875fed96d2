"""Plans and quotas for the command: by the API, and as root on Slipway's host without it, with the same documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from slipway.cli import this_host
from slipway.cli.invocation import segment

if TYPE_CHECKING:
    from slipway.cli.client import Client
    from slipway.cli.invocation import Invocation
    from slipway.domain.quota.plans import Plans
    from slipway.domain.quota.showing import PlanShown, TenantQuotaShown


class PlanAdministration(Protocol):
    """What administrators do. Raises `SlipwayError`s as the API answers them."""

    def all(self) -> list[dict[str, Any]]: ...

    def create(self, name: str, quotas: dict[str, Any]) -> dict[str, Any]: ...

    def change(self, name: str, quotas: dict[str, Any]) -> dict[str, Any]: ...

    def remove(self, name: str) -> None: ...

    def set_limit(self, name: str, limit: str, values: dict[str, Any]) -> None: ...

    def remove_limit(self, name: str, limit: str) -> None: ...

    def assign(self, name: str, tenant: str) -> dict[str, Any]: ...

    def quota_of(self, tenant: str) -> dict[str, Any]: ...

    def change_quota(self, tenant: str, quotas: dict[str, Any]) -> dict[str, Any]: ...


@contextmanager
def administration(call: Invocation) -> Iterator[PlanAdministration]:
    """Without a login where the platform is on this host and its user owns it."""
    if not this_host.may_act_here():
        yield ByApi(call.client)
        return
    with this_host.plans() as plans:
        yield OnTheHost(plans)


class ByApi:
    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self) -> list[dict[str, Any]]:
        return list(self._client.get("/plans")["plans"])

    def create(self, name: str, quotas: dict[str, Any]) -> dict[str, Any]:
        return dict(self._client.post("/plans", {"name": name, "quotas": quotas}))

    def change(self, name: str, quotas: dict[str, Any]) -> dict[str, Any]:
        return dict(self._client.patch(f"/plans/{segment(name)}", {"quotas": quotas}))

    def remove(self, name: str) -> None:
        self._client.delete(f"/plans/{segment(name)}")

    def set_limit(self, name: str, limit: str, values: dict[str, Any]) -> None:
        self._client.put(f"/plans/{segment(name)}/limits/{segment(limit)}", values)

    def remove_limit(self, name: str, limit: str) -> None:
        self._client.delete(f"/plans/{segment(name)}/limits/{segment(limit)}")

    def assign(self, name: str, tenant: str) -> dict[str, Any]:
        return dict(self._client.put(f"/tenants/{segment(tenant)}/plan", {"plan": name}))

    def quota_of(self, tenant: str) -> dict[str, Any]:
        return dict(self._client.get(f"/tenants/{segment(tenant)}/quota"))

    def change_quota(self, tenant: str, quotas: dict[str, Any]) -> dict[str, Any]:
        return dict(self._client.patch(f"/tenants/{segment(tenant)}/quota", {"quotas": quotas}))


class OnTheHost:
    def __init__(self, plans: Plans) -> None:
        self._plans = plans

    def all(self) -> list[dict[str, Any]]:
        return [_plan(each) for each in self._plans.all()]

    def create(self, name: str, quotas: dict[str, Any]) -> dict[str, Any]:
        return _plan(self._plans.create(name, quotas))

    def change(self, name: str, quotas: dict[str, Any]) -> dict[str, Any]:
        return _plan(self._plans.change(name, quotas))

    def remove(self, name: str) -> None:
        self._plans.remove(name)

    def set_limit(self, name: str, limit: str, values: dict[str, Any]) -> None:
        from slipway.core.app_settings import limits

        self._plans.set_limit(name, limits.parse({**values, "name": limit}))

    def remove_limit(self, name: str, limit: str) -> None:
        self._plans.remove_limit(name, limit)

    def assign(self, name: str, tenant: str) -> dict[str, Any]:
        return _quota(self._plans.assign(name, tenant))

    def quota_of(self, tenant: str) -> dict[str, Any]:
        return _quota(self._plans.quota_of(tenant))

    def change_quota(self, tenant: str, quotas: dict[str, Any]) -> dict[str, Any]:
        return _quota(self._plans.change_quota(tenant, quotas))


def _plan(plan: PlanShown) -> dict[str, Any]:
    from slipway.core.app_settings import limits

    found = [{"scope": "plan", **each.model_dump()} for each in limits.read(plan.limits or ())]
    return asdict(plan) | {"limits": None if plan.limits is None else found}


def _quota(quota: TenantQuotaShown) -> dict[str, Any]:
    return asdict(quota) | {"month_ends_at": f"{quota.month_ends_at:%Y-%m-%dT%H:%M:%SZ}"}
