"""The commands about the platform's GitHub App."""

from __future__ import annotations

import json

from sqlalchemy import select

from slipway.cli.exit_codes import Exit
from slipway.domain.audit import Actor
from slipway.domain.github import installations
from slipway.models import Tenant
from tests.integration.cli.rig import Platform, User

NUMBER = 7_123_456_789


def connect(platform: Platform, tenant: str) -> None:
    db = platform.api.services.db
    with db.read(platform="a test looks") as session:
        tenant_id = session.scalars(select(Tenant.id).filter_by(name=tenant)).one()
    with db.write(tenant_id=tenant_id) as session:
        of_tenant = {"number": NUMBER, "account": "octo", "selection": "selected", "login": "ann"}
        installations.connect(session, tenant_id, Actor("a test"), **of_tenant)  # type: ignore[arg-type]


def test_connected_accounts_are_listed_and_disconnected(platform: Platform, slipway: User, tenant: str) -> None:
    assert "The platform has no GitHub App: slipway github app" in slipway("github").err
    connect(platform, tenant)
    assert slipway("github").lines[1].split()[:4] == [str(NUMBER), "octo", "selected", "active"]
    [shown] = json.loads(slipway("github", "--json").out)["installations"]
    assert (shown["id"], shown["connected_by"]) == (NUMBER, "ann")
    assert "is disconnected" in slipway("github", "disconnect", str(NUMBER)).out
    slipway("github", "disconnect", str(NUMBER), code=Exit.NOT_FOUND)
    assert slipway("github", "--json").json["installations"] == []


def test_what_github_has_to_be_asked_for_is_done_at_the_console(slipway: User) -> None:
    assert slipway("github", "app").out.strip().endswith("/platform/github")
    assert slipway("github", "connect").out.strip().endswith("/tenant/hooks")
