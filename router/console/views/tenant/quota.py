"""What the tenant uses, and what it may use."""

from __future__ import annotations

from router.access import principal, services
from router.console.routes import Values, page
from router.usecases.access import quotas


@page("/tenant", "tenant/quota.html")
def show_tenant() -> Values:
    return {"tab": "quota", "quota": quotas.own_quota(services(), principal())}
