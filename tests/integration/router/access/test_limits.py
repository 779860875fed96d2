"""Limits of an app and of a tenant through the API, and whom they refused."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import select

from router.principal import Kind, Principal
from router.usecases.access import limits
from slipway.adapters.redis import keys
from slipway.core.access import tokens
from slipway.core.access.roles import Role
from slipway.core.identity.claims import Person
from slipway.models import App, AuditRecord, Build, Release, RouteChange
from tests.fakes import FakeDirectory
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live


def principal_of(api: Api) -> Principal:
    return Principal(Kind.TOKEN, "1", "ci", api.tenant_id(), "acme", Role.VIEWER)


OF_APP, OF_TENANT = "/api/apps/hello/limits", "/api/limits"
CALLS = {"requests": 100, "per_s": 60}


@pytest.fixture(autouse=True)
def app(owner: Caller) -> None:
    owner.create_app()


def shown(answer: dict[str, list[dict[str, object]]]) -> list[tuple[object, ...]]:
    names = ("scope", "name", "requests", "per_s", "at_once", "by", "dry_run")
    return [tuple(each[name] for name in names) for each in answer["limits"]]


def generations(api: Api) -> int:
    with api.services.db.read(platform="a test looks") as session:
        return len(set(session.scalars(select(RouteChange.generation))))


def test_an_apps_limits_are_set_changed_and_removed(api: Api, developer: Caller) -> None:
    before = generations(api)
    assert shown(developer.put(f"{OF_APP}/calls", CALLS)) == [("app", "calls", 100, 60, None, "caller", False)]
    developer.put(f"{OF_APP}/parallel", {"at_once": 5, "by": "all", "dry_run": True})
    developer.put(f"{OF_APP}/calls", CALLS | {"requests": 7})
    assert shown(developer.get(OF_APP)) == [
        ("app", "calls", 7, 60, None, "caller", False),
        ("app", "parallel", None, None, 5, "all", True),
    ]
    developer.delete(f"{OF_APP}/calls")
    assert [each["name"] for each in developer.get(OF_APP)["limits"]] == ["parallel"]
    assert generations(api) == before + 4
    assert developer.get("/api/apps/hello")["settings"]["limits"] == [
        {"name": "parallel", "at_once": 5, "by": "all", "dry_run": True}
    ]


def test_a_tenants_limits_are_those_of_all_its_apps(api: Api, owner: Caller) -> None:
    owner.create_app(name="second")
    before = generations(api)
    assert shown(owner.put(f"{OF_TENANT}/calls", CALLS)) == [("tenant", "calls", 100, 60, None, "caller", False)]
    assert generations(api) == before + 1
    with api.services.db.read(platform="a test looks") as session:
        newest = max(session.scalars(select(RouteChange.generation)))
        hosts = set(session.scalars(select(RouteChange.host).filter_by(generation=newest)))
    assert len(hosts) == 2
    assert (
        shown(owner.get(OF_APP)) == shown(owner.get(OF_TENANT)) == [("tenant", "calls", 100, 60, None, "caller", False)]
    )
    assert api.caller("other").get(OF_TENANT) == {"limits": []}
    owner.delete(f"{OF_TENANT}/calls")
    assert owner.get(OF_TENANT) == {"limits": []}


def test_who_may_change_them(viewer: Caller, developer: Caller) -> None:
    assert viewer.get(OF_APP)["limits"] == viewer.get(OF_TENANT)["limits"] == []
    viewer.problem(403, "PUT", f"{OF_APP}/calls", CALLS)
    viewer.problem(403, "DELETE", f"{OF_APP}/calls")
    developer.problem(403, "PUT", f"{OF_TENANT}/calls", CALLS)
    developer.problem(403, "DELETE", f"{OF_TENANT}/calls")


def test_another_tenants_app_is_not_found(api: Api) -> None:
    other = api.caller("other")
    other.problem(404, "GET", OF_APP)
    other.problem(404, "PUT", f"{OF_APP}/calls", CALLS)
    other.problem(404, "DELETE", f"{OF_APP}/calls")


@pytest.mark.parametrize("path", [OF_APP, OF_TENANT])
def test_what_is_no_limit_changes_nothing(owner: Caller, path: str) -> None:
    assert "say either" in owner.problem(422, "PUT", f"{path}/calls", {"requests": 5})["detail"]
    owner.problem(422, "PUT", f"{path}/Calls", CALLS)
    owner.problem(404, "DELETE", f"{path}/calls")
    for number in range(10):
        owner.put(f"{path}/l{number}", CALLS)
    assert "at most 10" in owner.problem(422, "PUT", f"{path}/one-more", CALLS)["detail"]
    assert len(owner.get(path)["limits"]) == 10


def test_what_the_commits_file_says_is_in_force_instead(api: Api, developer: Caller) -> None:
    deployment = make_live(api.services.db, "hello")
    with api.services.db.write(platform="a test's file") as session:
        release = session.scalars(select(Release)).one()
        filed = {"limits": [{"name": "filed", "at_once": 3}]}
        build = Build(
            tenant_id=release.tenant_id,
            app_id=release.app_id,
            deployment_id=deployment,
            image="i",
            digest="sha256:1",
            file_settings=filed,
        )
        session.add(build)
        session.flush()
        release.build_id = build.id
    changed = developer.put(f"{OF_APP}/calls", CALLS)
    assert "slipway.toml" in changed["notices"][0]
    assert [each["name"] for each in developer.get(OF_APP)["limits"]] == ["filed"]


def test_changes_are_recorded(api: Api, owner: Caller) -> None:
    owner.put(f"{OF_APP}/calls", CALLS)
    owner.put(f"{OF_TENANT}/calls", CALLS)
    with api.services.db.read(platform="a test looks") as session:
        rows = session.scalars(select(AuditRecord).filter_by(action="limit.change").order_by(AuditRecord.id))
        assert [(row.subject, row.detail) for row in rows] == [("calls", {"app": "hello"}), ("calls", {})]


def test_whom_limits_refused_is_shown_by_name(api: Api, owner: Caller) -> None:
    with api.services.db.read(platform="a test looks") as session:
        app_id = session.scalars(select(App.id)).one()
    hour = int(time.time() // 3600)
    state = keys.LIMIT_STATE
    members = {
        f"{state}:app-{app_id}/calls|192.0.2.1": 3,
        f"{state}:tenant-1/all|all": 2,
        f"{state}:app-{app_id}/calls|token {tokens.hashed(owner.token)}": 5,
    }
    for each in (hour, hour + 1):  # the hour may end just now
        api.services.redis.zadd(keys.limit_refusals(app_id, each), members)
    found = {(each["caller"], each["limit"], each["scope"]) for each in owner.get(OF_APP)["refused"]}
    assert found == {
        (f"token {owner.name}", "calls", "app"),
        ("192.0.2.1", "calls", "app"),
        ("all", "all", "tenant"),
    }


@pytest.mark.parametrize("knows", [True, False])
def test_people_are_shown_by_login_where_it_is_known(api: Api, owner: Caller, knows: bool) -> None:
    with api.services.db.read(platform="a test looks") as session:
        app_id = session.scalars(select(App.id)).one()
    hour = int(time.time() // 3600)
    members = {f"{keys.LIMIT_STATE}:plan-1/calls|user {sub}": 3 for sub in ("sub-ada", "sub-gone")}
    for each in (hour, hour + 1):
        api.services.redis.zadd(keys.limit_refusals(app_id, each), members)
    directory = FakeDirectory([Person("sub-ada", "ada")], is_unreachable=not knows)
    shown = limits.app_limits(replace(api.services, directory=directory), principal_of(api), "hello").refused
    assert shown is not None
    found = {(each.caller, each.scope) for each in shown}
    assert found == {("user ada" if knows else "user sub-ada", "plan"), ("user sub-gone", "plan")}


def test_tokens_are_known_to_limits_from_when_they_are_issued_until_they_are_revoked(api: Api, owner: Caller) -> None:
    made = owner.post("/api/tokens", {"name": "ci", "role": "viewer", "expires_in_s": 3600}, status=201)
    digest = tokens.hashed(made["token"])
    tenant, _, expires_s = api.services.redis.hget(keys.LIMIT_TOKENS, digest).decode().partition("|")
    assert (tenant, int(expires_s) > time.time()) == ("acme", True)
    owner.delete(f"/api/tokens/{made['id']}")
    assert api.services.redis.hget(keys.LIMIT_TOKENS, digest) is None
