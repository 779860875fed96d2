from __future__ import annotations

from pathlib import Path

import pytest

from slipway.core.access.roles import Role
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import Browser
from tests.fixtures.releases import make_live
from tests.integration.router.conftest import api, developer, owner, state_dir, stranger, viewer

__all__ = ["api", "developer", "owner", "state_dir", "stranger", "viewer"]


@pytest.fixture
def browser(api: Api, owner: Caller) -> Browser:
    """An owner's, of acme."""
    return Browser(api, owner.token)


@pytest.fixture
def shop(api: Api, owner: Caller) -> int:
    """An app that is live for the second time. The newest deployment's number."""
    owner.create_app("shop")
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
