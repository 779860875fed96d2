from __future__ import annotations

from pathlib import Path

import pytest

from slipway.core.access.roles import Role
from slipway.models import Delivery, Hook
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import HOOK, Browser
from tests.fixtures.releases import make_live
from tests.integration.router.conftest import api, developer, owner, state_dir, stranger, viewer

__all__ = ["api", "developer", "owner", "state_dir", "stranger", "viewer"]


@pytest.fixture
def browser(api: Api, owner: Caller) -> Browser:
    """An owner's, of acme."""
    return Browser(api, owner.token)


@pytest.fixture
def shop(api: Api, owner: Caller) -> int:
    """An app that is live for the second time, with its repository's hook. The newest deployment's number."""
    owner.create_app("shop")
    _add_hook(api)
    make_live(api.services.db, "shop", commit="a" * 40)
    return make_live(api.services.db, "shop", commit="b" * 40, ready=2, message="Fix the cart", pushed_by="ada")


@pytest.fixture
def browsers(api: Api, owner: Caller, developer: Caller, viewer: Caller) -> dict[Role, Browser]:
    """One of each role, of acme."""
    callers = {Role.OWNER: owner, Role.DEVELOPER: developer, Role.VIEWER: viewer}
    return {role: Browser(api, caller.token) for role, caller in callers.items()}


@pytest.fixture
def templates() -> Path:
    return Path(__file__).parents[3] / "router" / "console" / "templates"


def _add_hook(api: Api) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        session.add(Hook(id=HOOK, tenant_id=tenant, repository_identity="github.example/acme/hello"))
        session.flush()
        session.add(Delivery(tenant_id=tenant, hook_id=HOOK, delivery_id="d-1", event="push", outcome="deployed"))
