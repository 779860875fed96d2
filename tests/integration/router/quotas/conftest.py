"""Whoever runs the platform: as a person at the API, and as root on the host."""

from __future__ import annotations

from typing import Any

import pytest

from router import authentication
from router.authentication import Credentials
from router.principal import Kind, Principal
from router.services import Services
from slipway.core.access.roles import Role
from slipway.domain.audit import HOST
from slipway.domain.quota.plans import Plans
from tests.fixtures.api import Api, Caller

_ADMIN = "slw_admin"


@pytest.fixture
def plans(api: Api) -> Plans:
    """As root on the host has them."""
    return Plans(api.services.db, HOST, api.services.queue.wake_agent)


@pytest.fixture
def admin(api: Api, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A person with the role platform-admin, who is a viewer of another tenant."""
    tenant_id = api.tenant_id("staff")

    def by_role(_services: Services, credentials: Credentials) -> Principal | None:
        if credentials.bearer != _ADMIN:
            return None
        return Principal(Kind.PERSON, "1", "root", tenant_id, "staff", Role.VIEWER, platform_admin=True)

    monkeypatch.setattr(authentication, "AUTHENTICATORS", (by_role, *authentication.AUTHENTICATORS))
    return Caller(api.client, _ADMIN, "root")


@pytest.fixture
def quota(owner: Caller, plans: Plans) -> Any:
    """Set the quotas of the tenant acme."""

    def change(**values: Any) -> None:
        plans.change_quota("acme", values)

    return change
