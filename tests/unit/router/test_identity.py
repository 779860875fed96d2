"""Who may have the identity provider repaired through the API, and what they see."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from router import authentication
from router.app import create_app
from router.authentication import Credentials
from router.principal import Kind, Principal
from router.services import Services
from router.usecases.access import identity
from slipway.core.access.roles import Role
from slipway.core.identity.differences import Difference, missing
from slipway.core.identity.wanted_realm import TenantGroup

FOUND = [missing("client slipway-cli"), Difference("group /tenants/acme", "", None, None, "decide")]


class Provider:
    """Finds the same each time."""

    def check(self) -> None: ...

    def sync(self, tenants: Iterable[TenantGroup], *, dry_run: bool) -> list[Difference]:  # noqa: ARG002
        return FOUND


def ask(monkeypatch: pytest.MonkeyPatch, *, admin: bool, provider: Any, body: Any) -> Any:
    def somebody(_services: Services, _credentials: Credentials) -> Principal:
        return Principal(Kind.PERSON, "1", "ada", 7, "acme", Role.OWNER, platform_admin=admin)

    monkeypatch.setattr(authentication, "AUTHENTICATORS", (somebody,))
    monkeypatch.setattr(
        identity.identity, "sync", lambda _db, given, _actor, *, dry_run: given.sync([], dry_run=dry_run)
    )
    services = cast("Services", SimpleNamespace(db=None, identity=provider))
    return create_app(services).test_client().post("/api/identity/sync", json=body)


def test_an_owner_of_a_tenant_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ask(monkeypatch, admin=False, provider=Provider(), body={})
    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")
    assert "acme" not in refused.json["detail"]


def test_a_platform_admin_sees_what_differed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(monkeypatch, admin=True, provider=Provider(), body={"dry_run": True})
    assert answer.json == {
        "dry_run": True,
        "differences": [
            {"where": "client slipway-cli", "what": "", "detail": "client slipway-cli: missing", "repairable": True},
            {"where": "group /tenants/acme", "what": "", "detail": "group /tenants/acme: decide", "repairable": False},
        ],
    }


def test_without_sign_on_there_is_nothing_to_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ask(monkeypatch, admin=True, provider=None, body={})
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "SLIPWAY_KEYCLOAK" in refused.json["remedy"]


def test_a_token_of_the_api_is_never_a_platform_admins() -> None:
    assert Principal(Kind.TOKEN, "1", "ci", 7, "acme", Role.OWNER).platform_admin is False
