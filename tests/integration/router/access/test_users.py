"""The tenant's people through the API: who may change whom, and what is done about it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from router import authentication
from router.app import create_app
from router.authentication import Authenticator, Credentials
from router.identity.tenant_choice import NO_TENANT
from router.principal import Kind, Principal
from router.services import Services
from slipway.adapters.redis import keys
from slipway.adapters.redis.identity_changes import IdentityChanges
from slipway.core.access.roles import Role
from slipway.core.identity.people import KnownPerson
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.domain.identity import group_of
from slipway.errors import DependencyUnavailable
from slipway.models import AuditRecord, Invitation, Tenant, User
from slipway.ports.identity import IdentityProvider
from tests.fakes import FakePeople
from tests.fixtures.api import Api, Caller, make_services


@dataclass
class EndedSessions:
    """As far as a person's are ended."""

    subs: list[str] = field(default_factory=list)

    def end_of_sub(self, sub: str) -> int:
        self.subs.append(sub)
        return 2


@dataclass
class Rig:
    api: Api
    people: FakePeople
    sessions: EndedSessions

    def tenant(self, name: str) -> TenantGroup:
        tenant_id = self.api.tenant_id(name)
        with self.api.services.db.read(tenant_id=tenant_id) as session:
            group = group_of(session.get_one(Tenant, tenant_id))
        self.people.give_tenant(group)
        return group

    def roles(self, tenant: str) -> dict[str, str]:
        return {each.person.login: str(each.role) for each in self.people.members(self.tenant(tenant))}

    def subjects(self) -> list[str]:
        found: Any = self.api.services.redis.xrange(keys.IDENTITY_CHANGES)
        return [fields[b"subject"].decode() for _, fields in found]

    def as_whoever(self, authenticated: Authenticator, monkeypatch: pytest.MonkeyPatch) -> Caller:
        """Every request is this one's from now on, but those with a token."""
        monkeypatch.setattr(authentication, "AUTHENTICATORS", (authentication.by_token, authenticated))
        return Caller(self.api.client)

    def recorded(self) -> list[Any]:
        actions = ("person.role", "people.import", "session.end")
        with self.api.services.db.read(platform="a test looks") as session:
            rows = session.scalars(select(AuditRecord).where(AuditRecord.action.in_(actions)).order_by("id"))
            return [(row.actor, row.action, row.subject, row.detail) for row in rows]


@pytest.fixture
def rig(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Rig]:
    people, sessions = FakePeople(), EndedSessions()
    plain = make_services(state_dir, sqlite_url, redis_url)
    services = replace(
        plain,
        identity=cast("IdentityProvider", SimpleNamespace(people=people)),
        sign_on=cast("Any", SimpleNamespace(changes=IdentityChanges(plain.redis), sessions=sessions)),
    )
    rig = Rig(Api(services, create_app(services).test_client()), people, sessions)
    for tenant in ("acme", "globex"):
        rig.tenant(tenant)
    yield rig
    services.db.dispose()
    services.redis.close()


@pytest.fixture
def owner(rig: Rig) -> Caller:
    return rig.api.caller("acme", Role.OWNER)


@pytest.fixture
def admin(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Somebody with the role platform-admin, who is of no tenant."""

    def authenticated(_services: Services, _credentials: Credentials) -> Principal:
        return Principal(Kind.PERSON, "1", "root", NO_TENANT, "", Role.VIEWER, platform_admin=True)

    return rig.as_whoever(authenticated, monkeypatch)


@pytest.fixture
def ada(rig: Rig) -> KnownPerson:
    return rig.people.give("ada", "ada@x.org", "/tenants/acme/owner")


def test_an_owner_sees_the_tenants_people_alone(rig: Rig, owner: Caller, ada: KnownPerson) -> None:
    rig.people.give("eve", "eve@x.org", "/tenants/globex/owner")
    assert owner.get("/api/users")["users"] == [
        {
            "id": ada.sub,
            "login": "ada",
            "name": "Ada",
            "email": "ada@x.org",
            "role": "owner",
            "enabled": True,
        }
    ]


def test_somebody_is_added_changed_and_removed_and_each_is_reported_and_recorded(
    rig: Rig, owner: Caller, admin: Caller
) -> None:
    bob = rig.people.give("bob")
    added = admin.post("/api/users", {"login": "Bob", "role": "viewer", "tenant": "acme"}, status=201)
    assert added["role"] == "viewer"
    assert owner.patch("/api/users/bob", {"role": "developer"})["role"] == "developer"
    assert rig.roles("acme") == {"bob": "developer"}
    owner.delete("/api/users/bob")
    assert rig.roles("acme") == {}
    assert rig.subjects() == [f"person:{bob.sub}"] * 3
    assert rig.recorded() == [
        ("person:root", "person.role", "bob", {"role": "viewer", "before": ""}),
        ("token:acme-owner", "person.role", "bob", {"role": "developer", "before": "viewer"}),
        ("token:acme-owner", "person.role", "bob", {"role": "", "before": "developer"}),
    ]


def test_an_owner_adds_nobody_and_learns_of_nobody(rig: Rig, owner: Caller) -> None:
    """Neither by the answer nor by its time: Keycloak is not asked for who is not of the tenant."""
    rig.people.give("bob", "bob@x.org", "/tenants/globex/viewer")

    def asked(login: str) -> KnownPerson | None:
        raise AssertionError(login)

    rig.people.find = asked  # type: ignore[method-assign]
    problems = [owner.problem(403, "POST", "/api/users", {"login": each, "role": "viewer"}) for each in ("bob", "nob")]
    assert problems[0]["detail"].replace("bob", "nob") == problems[1]["detail"]
    assert problems[0]["remedy"] == "invite them: slipway users invite ADDRESS --role viewer"
    assert (rig.roles("acme"), rig.recorded()) == ({}, [])


def test_an_owner_names_no_other_tenant(rig: Rig, owner: Caller) -> None:
    rig.people.give("bob", "", "/tenants/acme/viewer", "/tenants/globex/viewer")
    for tenant in ("globex", "nowhere"):
        problem = owner.problem(403, "POST", "/api/users", {"login": "bob", "role": "owner", "tenant": tenant})
        assert "platform-admin" in problem["detail"]
    assert rig.roles("globex") == {"bob": "viewer"}


def test_who_has_a_role_is_not_added_again(owner: Caller, admin: Caller, ada: KnownPerson) -> None:
    for caller in (owner, admin):
        body = {"login": ada.login, "role": "viewer", "tenant": "acme"}
        assert caller.problem(409, "POST", "/api/users", body)["remedy"] == "slipway users role ada viewer"


def test_a_login_that_keycloak_does_not_know_is_refused(admin: Caller) -> None:
    body = {"login": "nobody", "role": "viewer", "tenant": "acme"}
    assert admin.problem(422, "POST", "/api/users", body)["detail"] == "Keycloak knows nobody with the login 'nobody'"


def test_an_administrator_names_a_tenant_that_there_is(rig: Rig, admin: Caller) -> None:
    rig.people.give("bob")
    body = {"login": "bob", "role": "viewer"}
    assert "tenant is missing" in admin.problem(422, "POST", "/api/users", body)["detail"]
    assert "no tenant 'x'" in admin.problem(422, "POST", "/api/users", body | {"tenant": "x"})["detail"]


def test_an_owner_sees_what_concerns_the_tenant_of_one_of_its_people(rig: Rig, owner: Caller) -> None:
    groups = ("/tenants/acme/owner", "/tenants/acme/viewer")
    bob = rig.people.give("bob", "bob@x.org", *groups, "/tenants/globex/owner")
    rig.people.sessions[bob.sub] = 3
    at = datetime(2030, 1, 1, tzinfo=UTC)
    tenants = {name: rig.api.tenant_id(name) for name in ("acme", "globex")}
    with rig.api.services.db.write(platform="a test's people") as session:
        session.add(User(sub=bob.sub, login="bob", seen_at=at))
        for name, number in tenants.items():
            values = {"email": "b@x.org", "role": "owner", "hashed": name, "expires_at": at, "accepted_at": at}
            of = {"inviter": f"person:owner-of-{name}", "claimed_by": bob.sub}
            session.add(Invitation(tenant_id=number, **values, **of))
        values |= {"hashed": "x", "accepted_at": at + timedelta(days=1), "inviter": "host", "claimed_by": "another"}
        session.add(Invitation(tenant_id=tenants["acme"], **values))
    assert owner.get("/api/users/bob") == {
        "id": bob.sub,
        "login": "bob",
        "name": "Bob",
        "email": "bob@x.org",
        "role": "owner",
        "enabled": True,
        "groups": list(groups),
        "seen_at": "2030-01-01T00:00:00Z",
        "sessions": 3,
        "invited_by": "person:owner-of-acme",
        "joined_at": "2030-01-01T00:00:00Z",
    }


def test_of_who_was_not_invited_and_never_came_little_is_shown(owner: Caller, ada: KnownPerson) -> None:
    shown = owner.get("/api/users/ada")
    assert {name: shown[name] for name in ("seen_at", "sessions", "invited_by", "joined_at")} == {
        "seen_at": None,
        "sessions": 0,
        "invited_by": "",
        "joined_at": None,
    }


def test_an_owner_signs_one_of_the_tenants_people_out(rig: Rig, owner: Caller, ada: KnownPerson) -> None:
    rig.people.sessions[ada.sub] = 1
    owner.delete("/api/users/ada/sessions")
    assert rig.people.sessions == {}
    assert rig.sessions.subs == [ada.sub]
    ended = {"sub": ada.sub, "many": 2, "by": "token:acme-owner"}
    assert rig.recorded() == [("token:acme-owner", "session.end", "ada", ended)]
    assert rig.roles("acme") == {"ada": "owner"}


def test_while_keycloak_does_not_answer_sessions_here_end_all_the_same(
    rig: Rig, owner: Caller, ada: KnownPerson
) -> None:
    def cut_off(_person: KnownPerson) -> None:
        raise DependencyUnavailable("Keycloak does not answer.")

    rig.people.end_sessions_of = cut_off  # type: ignore[method-assign]
    owner.problem(503, "DELETE", "/api/users/ada/sessions")
    assert rig.sessions.subs == [ada.sub]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/users/{}", None),
        ("PATCH", "/api/users/{}", {"role": "viewer"}),
        ("DELETE", "/api/users/{}", None),
        ("DELETE", "/api/users/{}/sessions", None),
    ],
)
def test_another_tenants_people_are_not_found(rig: Rig, owner: Caller, method: str, path: str, body: Any) -> None:
    rig.people.give("eve", "", "/tenants/globex/viewer")
    theirs = owner.problem(404, method, path.format("eve"), body)
    nobodys = owner.problem(404, method, path.format("nobody"), body)
    assert theirs["detail"].replace("eve", "nobody") == nobodys["detail"]
    assert rig.roles("globex") == {"eve": "viewer"}
    assert (rig.subjects(), rig.sessions.subs) == ([], [])


def test_who_is_of_two_tenants_keeps_the_role_in_the_other(rig: Rig, owner: Caller) -> None:
    rig.people.give("eve", "", "/tenants/globex/owner", "/tenants/acme/viewer")
    owner.delete("/api/users/eve")
    assert (rig.roles("acme"), rig.roles("globex")) == ({}, {"eve": "owner"})


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"role": "developer"}), ("DELETE", None)])
@pytest.mark.parametrize("others", [(), ("/tenants/acme/developer",), ("/tenants/globex/owner",)])
def test_the_last_owner_stays(
    rig: Rig, owner: Caller, ada: KnownPerson, method: str, body: Any, others: tuple[str, ...]
) -> None:
    rig.people.give("bob", "", *others)
    rig.people.give("disabled", "", "/tenants/acme/owner", enabled=False)
    problem = owner.problem(409, method, "/api/users/ada", body)
    assert problem["detail"] == "ada is the last owner of acme"
    assert problem["remedy"] == "make somebody else an owner first: slipway users role LOGIN owner"
    assert rig.roles("acme")["ada"] == "owner"
    assert rig.recorded() == []


def test_an_owner_beside_another_may_leave(rig: Rig, owner: Caller, ada: KnownPerson) -> None:
    rig.people.give("bob", "", "/tenants/acme/owner")
    owner.delete("/api/users/ada")
    assert rig.roles("acme") == {"bob": "owner"}


def test_of_two_owners_who_are_removed_at_once_one_stays(rig: Rig, ada: KnownPerson) -> None:
    rig.people.give("bob", "", "/tenants/acme/owner")
    both, codes = Barrier(2), list[int]()
    members = rig.people.members

    def slowly(tenant: TenantGroup) -> Any:
        found = members(tenant)
        try:
            both.wait(0.5)  # each would have seen both, were it not for the lock
        except Exception:  # noqa: BLE001
            both.reset()
        return found

    rig.people.members = slowly  # type: ignore[method-assign]
    token = rig.api.caller("acme", Role.OWNER).token
    app = rig.api.client.application

    def remove(login: str) -> None:
        codes.append(Caller(app.test_client(), token).call("DELETE", f"/api/users/{login}").status_code)

    threads = [Thread(target=remove, args=(login,)) for login in ("ada", "bob")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    rig.people.members = members  # type: ignore[method-assign]
    assert sorted(codes) == [204, 409]
    assert len(rig.roles("acme")) == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_only_owners_may(rig: Rig, ada: KnownPerson, role: Role) -> None:
    caller = rig.api.caller("acme", role)
    for method, path, body in (
        ("GET", "/api/users", None),
        ("POST", "/api/users", {"login": "ada", "role": "owner"}),
        ("GET", "/api/users/ada", None),
        ("PATCH", "/api/users/ada", {"role": "viewer"}),
        ("DELETE", "/api/users/ada", None),
        ("DELETE", "/api/users/ada/sessions", None),
        ("GET", "/api/invitations", None),
        ("POST", "/api/invitations", {"email": "x@x.org", "role": "viewer"}),
        ("DELETE", "/api/invitations/1", None),
    ):
        problem = caller.problem(403, method, path, body)
        assert "ada" not in problem["detail"]


def test_a_change_that_failed_halfway_is_reported_all_the_same(rig: Rig, owner: Caller, ada: KnownPerson) -> None:
    def cut_off(*_: Any) -> None:
        rig.people.away = True
        rig.people._check(TenantGroup("acme", ""))

    rig.people.give("bob", "", "/tenants/acme/owner")
    rig.people.set_role = cut_off  # type: ignore[method-assign]
    owner.problem(503, "DELETE", "/api/users/ada")
    assert rig.subjects() == [f"person:{ada.sub}"]
    assert rig.recorded() == []


def test_an_import_is_for_platform_admins(rig: Rig, owner: Caller) -> None:
    body = {"lines": [{"number": 2, "fields": {"login": "ada"}}]}
    owner.problem(403, "POST", "/api/users/import", body)
    assert rig.people.find("ada") is None


def test_a_platform_admin_imports_into_any_tenant(rig: Rig, admin: Caller) -> None:
    fields = [
        {"login": "ada", "tenant": "globex", "role": "owner"},
        {"login": "x"},
        {"login": "bob", "email_verified": None},
    ]
    lines = [{"number": number, "fields": each} for number, each in enumerate(fields, start=2)]
    for dry_run, outcome in ((True, "created"), (False, "created"), (False, "present")):
        answer = admin.post("/api/users/import", {"lines": lines, "dry_run": dry_run}, status=200)
        assert [(each["number"], each["outcome"]) for each in answer["lines"]] == [
            (2, outcome),
            (3, "refused"),
            (4, outcome),
        ]
    assert rig.roles("globex") == {"ada": "owner"}
    assert rig.recorded() == [
        ("person:root", "people.import", "keycloak", {"lines": {"created": 2, "refused": 1}, "first": 2, "last": 4})
    ]
    admin.problem(422, "POST", "/api/users/import", {"lines": lines * 34})


def test_without_sign_on_there_are_no_people(state_dir: Path, sqlite_url: str, redis_url: str) -> None:
    services = make_services(state_dir, sqlite_url, redis_url)
    caller = Api(services, create_app(services).test_client()).caller()
    assert "SLIPWAY_KEYCLOAK" in caller.problem(409, "GET", "/api/users")["remedy"]
    services.db.dispose()
    services.redis.close()
