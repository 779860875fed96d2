"""Invitations through the API, as owners make, list and revoke them. What the link does: tests/integration/login."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from router.app import create_app
from slipway.core.access.roles import Role
from slipway.domain import invitations
from slipway.models import AuditRecord, Invitation, now
from slipway.ports.identity import IdentityProvider
from tests.fixtures.api import Api, Caller, make_services

INVITE = {"email": "bob@example.org", "role": "developer"}


class Unasked:
    """An identity provider that must not be asked for anything."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Api]:
    identity = cast("IdentityProvider", SimpleNamespace(people=Unasked()))
    services = replace(make_services(state_dir, sqlite_url, redis_url), identity=identity)
    yield Api(services, create_app(services).test_client())
    services.db.dispose()
    services.redis.close()


def recorded(api: Api) -> list[Any]:
    with api.services.db.read(platform="a test looks") as session:
        rows = session.scalars(select(AuditRecord).where(AuditRecord.action.startswith("inv")).order_by("id"))
        return [(row.tenant_id, row.actor, row.action, row.subject, row.detail) for row in rows]


def change(api: Api, number: int, **values: Any) -> None:
    with api.services.db.write(platform="a test's time passes") as session:
        session.execute(update(Invitation).where(Invitation.id == number).values(**values))


def test_an_owner_gets_a_link_which_is_shown_once(api: Api, owner: Caller) -> None:
    made = owner.post("/api/invitations", INVITE, status=201)
    assert made["url"].startswith(f"{api.services.settings.public_url}/auth/invitations/slwi_")
    listed = owner.get("/api/invitations")
    assert listed == {"invitations": [{name: value for name, value in made.items() if name != "url"}]}
    assert {name: made[name] for name in ("email", "role", "state", "invited_by", "accepted_at", "accepted_by")} == {
        **INVITE, "state": "open", "invited_by": "token:acme-owner", "accepted_at": None, "accepted_by": "",
    }  # fmt: skip


def test_keycloak_is_asked_for_nothing_so_that_the_answer_says_nothing(owner: Caller) -> None:
    answers = []
    for email in ("ada@example.org", "bob@example.org"):
        made = owner.post("/api/invitations", {"email": email, "role": "viewer"}, status=201)
        answers.append({name: made[name] for name in ("role", "state", "accepted_by")})
    assert answers[0] == answers[1]


def test_each_state_is_listed(api: Api, owner: Caller) -> None:
    for number in range(1, 5):
        owner.post("/api/invitations", {"email": f"{number}@example.org", "role": "viewer"}, status=201)
    owner.delete("/api/invitations/1")
    change(api, 2, expires_at=now() - timedelta(seconds=1))
    change(api, 3, accepted_at=now(), accepted_login="carol", claimed_by="sub")
    listed = owner.get("/api/invitations")["invitations"]
    assert [(each["id"], each["state"], each["accepted_by"]) for each in listed] == [
        (4, "open", ""),
        (3, "accepted", "carol"),
        (2, "expired", ""),
        (1, "revoked", ""),
    ]


def test_to_revoke_one_again_changes_nothing(api: Api, owner: Caller) -> None:
    made = owner.post("/api/invitations", INVITE, status=201)
    for _ in range(2):
        owner.delete(f"/api/invitations/{made['id']}")
    assert [row[2] for row in recorded(api)] == ["invitation.create", "invitation.revoke"]
    assert recorded(api)[1] == (1, "token:acme-owner", "invitation.revoke", INVITE["email"], {"invitation": 1})


def test_one_that_was_accepted_is_not_revoked(api: Api, owner: Caller) -> None:
    owner.post("/api/invitations", INVITE, status=201)
    change(api, 1, accepted_at=now(), accepted_login="bob", claimed_by="sub")
    assert owner.problem(409, "DELETE", "/api/invitations/1")["remedy"] == "slipway users remove bob"


@pytest.mark.parametrize("number", ["2", "99999999999999999999"])
def test_one_that_is_not_there(owner: Caller, number: str) -> None:
    problem = owner.problem(404, "DELETE", f"/api/invitations/{number}")
    assert problem["remedy"] == "slipway users invitations"


def test_another_tenants_is_not_there(api: Api, owner: Caller, stranger: Caller) -> None:
    owner.post("/api/invitations", INVITE, status=201)
    stranger.problem(404, "DELETE", "/api/invitations/1")
    stranger.post("/api/invitations", INVITE, status=201)
    assert [each["state"] for each in owner.get("/api/invitations")["invitations"]] == ["open"], "none was replaced"
    assert [each["id"] for each in stranger.get("/api/invitations")["invitations"]] == [2]


NO_ADDRESSES = (
    *("", "bob", "bob@", "@x.org", "bob@evil.org@x.org", "bob@x.org@", '"b@c"@x.org', "bob@x.org\r\nBcc: eve@x.org"),
    *("bob@x.org\n", " bob@x.org", "bob @x.org", "bob@x.org,eve@x.org", "<bob@x.org>", "bob@x..org", "bob@x.org\t"),
    *("bób@x.org", "\u212aim@x.org", "bob@\u0445.org", "a" * 65 + "@x.org", "bob@" + "x" * 250 + ".org"),
)


def test_what_is_no_address_is_invited_nowhere(api: Api, owner: Caller) -> None:
    for email in NO_ADDRESSES:
        problem = owner.problem(422, "POST", "/api/invitations", {"email": email, "role": "viewer"})
        assert problem["detail"] == "email is no e-mail address", email
    for email in ("bob@x.org\0", "\ud800@x.org"):
        owner.problem(422, "POST", "/api/invitations", {"email": email, "role": "viewer"})
    assert (owner.get("/api/invitations"), recorded(api)) == ({"invitations": []}, [])


def test_no_role_above_that_of_an_owner_is_given_and_nothing_else_can_be_said(owner: Caller) -> None:
    for role in ("platform-admin", "admin", "", "Owner", None, ["owner"]):
        owner.problem(422, "POST", "/api/invitations", INVITE | {"role": role})
    for field in ("tenant", "tenant_id", "inviter", "expires_at"):
        owner.problem(422, "POST", "/api/invitations", INVITE | {field: "1"})


def test_a_tenant_has_so_many_that_nobody_accepted(
    api: Api, owner: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "UNACCEPTED_MOST", 3)
    for number in range(3):
        owner.post("/api/invitations", {"email": f"{number}@example.org", "role": "viewer"}, status=201)
    owner.delete("/api/invitations/1")
    owner.problem(409, "POST", "/api/invitations", INVITE)
    stranger.post("/api/invitations", INVITE, status=201)
    change(api, 2, accepted_at=now())
    change(api, 3, created_at=now() - invitations.LIFETIME)
    for number in (3, 4):
        owner.post("/api/invitations", {"email": f"{number}@example.org", "role": "viewer"}, status=201)
    owner.problem(409, "POST", "/api/invitations", INVITE)


def test_without_sign_on_nobody_is_invited(state_dir: Path, sqlite_url: str, redis_url: str) -> None:
    services = make_services(state_dir, sqlite_url, redis_url)
    caller = Api(services, create_app(services).test_client()).caller(role=Role.OWNER)
    assert "SLIPWAY_KEYCLOAK" in caller.problem(409, "POST", "/api/invitations", INVITE)["remedy"]
    services.db.dispose()
    services.redis.close()
