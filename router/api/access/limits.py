"""Limits."""

from __future__ import annotations

from apiflask import APIBlueprint

from router import documents
from router.access import principal, services
from router.api.operation import Input, operation
from router.usecases.access import limits as usecases
from slipway.core.access.roles import Role
from slipway.core.app_settings import limits
from slipway.core.app_settings.limits import By

blueprint = APIBlueprint("limits", __name__, tag="Limits")


class NewLimit(Input):
    """Either `requests` and `per_s`, or `at_once`."""

    requests: int | None = None
    per_s: int | None = None
    at_once: int | None = None
    by: By = "caller"
    dry_run: bool = False

    def named(self, name: str) -> limits.Limit:
        return limits.parse({"name": name, **self.model_dump(exclude_unset=True)})


@operation(blueprint, "GET", "/api/apps/<app>/limits", role=Role.VIEWER, output=documents.AppLimits)
def list_app_limits(app: str) -> documents.AppLimits:
    """The limits in force for an app, and whom they refused"""
    return usecases.app_limits(services(), principal(), app)


@operation(
    blueprint,
    "PUT",
    "/api/apps/<app>/limits/<name>",
    role=Role.DEVELOPER,
    body=NewLimit,
    output=documents.ChangedLimits,
)
def set_app_limit(app: str, name: str, body: NewLimit) -> documents.ChangedLimits:
    """Give an app a limit, or change it

    It is in force within a second, and gives no caller a fresh quota.
    """
    return usecases.set_app_limit(services(), principal(), app, body.named(name))


@operation(blueprint, "DELETE", "/api/apps/<app>/limits/<name>", role=Role.DEVELOPER, status=204)
def remove_app_limit(app: str, name: str) -> tuple[str, int]:
    """Take a limit away from an app"""
    usecases.remove_app_limit(services(), principal(), app, name)
    return "", 204


@operation(blueprint, "GET", "/api/limits", role=Role.VIEWER, output=documents.Limits)
def list_tenant_limits() -> documents.Limits:
    """The tenant's limits, over all its apps"""
    return usecases.tenant_limits(services(), principal())


@operation(blueprint, "PUT", "/api/limits/<name>", role=Role.OWNER, body=NewLimit, output=documents.ChangedLimits)
def set_tenant_limit(name: str, body: NewLimit) -> documents.ChangedLimits:
    """Give the tenant a limit over all its apps, or change it"""
    return usecases.set_tenant_limit(services(), principal(), body.named(name))


@operation(blueprint, "DELETE", "/api/limits/<name>", role=Role.OWNER, status=204)
def remove_tenant_limit(name: str) -> tuple[str, int]:
    """Take a limit away from the tenant"""
    usecases.remove_tenant_limit(services(), principal(), name)
    return "", 204
