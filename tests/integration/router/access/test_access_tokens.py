"""People who call the API with an access token of the identity provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from router.app import create_app
from router.identity import seen_people, tenant_choice
from slipway.core.access.roles import Role
from slipway.core.identity.claims import person_of
from slipway.models import User, now
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.sign_on import with_sign_on


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with running_provider() as running:
        running.add_person("ada", groups=["/tenants/acme/developer", "/tenants/nowhere/owner", "/staff"])
        yield running


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str, provider: OidcProvider) -> Iterator[Api]:
    """With sign-on, and the tenants acme and globex."""
    services = with_sign_on(make_services(state_dir, sqlite_url, redis_url), provider.url)
    made = Api(services, create_app(services).test_client())
    made.tenant_id("acme")
    made.tenant_id("globex")
    yield made
    services.db.dispose()
    services.redis.close()


def caller(api: Api, provider: OidcProvider, tenant: str = "", **claims: Any) -> Caller:
    headers = {"X-Slipway-Tenant": tenant} if tenant else {}
    return Caller(api.client, provider.access_token(**claims), headers=headers)


def test_a_person_acts_in_the_only_tenant_they_are_in(api: Api, provider: OidcProvider) -> None:
    ada = caller(api, provider)
    assert ada.get("/api/account")["tenant"] == "acme"
    assert ada.get("/api/account")["role"] == "developer"
    ada.create_app("hello")
    assert [app["name"] for app in api.caller("acme", Role.VIEWER).get("/api/apps")["apps"]] == ["hello"]
    assert api.caller("globex", Role.OWNER).get("/api/apps")["apps"] == []


def test_a_persons_role_bounds_what_they_may_do(api: Api, provider: OidcProvider) -> None:
    provider.add_person("ada", groups=["/tenants/acme/viewer"])
    assert "a viewer may not" in caller(api, provider).problem(403, "POST", "/api/apps", {"name": "x"})["detail"]


def test_of_several_tenants_the_header_names_one(api: Api, provider: OidcProvider) -> None:
    provider.add_person("ada", groups=["/tenants/acme/viewer", "/tenants/globex/owner"])
    assert caller(api, provider, "globex").get("/api/account")["role"] == "owner"
    assert caller(api, provider, "acme").get("/api/account")["role"] == "viewer"
    problem = caller(api, provider).problem(403, "GET", "/api/account")
    assert "several tenants; yours: acme, globex" in problem["detail"]
    assert "X-Slipway-Tenant" in problem["remedy"]


def test_what_was_chosen_in_a_browser_says_nothing_about_a_token(api: Api, provider: OidcProvider) -> None:
    provider.add_person("ada", groups=["/tenants/acme/viewer", "/tenants/globex/owner"])
    tenant_choice.remember(api.services, person_of(provider.people["ada"]), "globex")
    assert "several tenants" in caller(api, provider).problem(403, "GET", "/api/account")["detail"]


@pytest.mark.parametrize("asked", ["globex", "ACME", "acme,globex", "nowhere", "acme/../globex", "acme "])
def test_the_header_opens_no_tenant_that_is_not_the_persons(api: Api, provider: OidcProvider, asked: str) -> None:
    ada = Caller(api.client, provider.access_token(), headers={"X-Slipway-Tenant": asked})
    problem = ada.problem(403, "GET", "/api/account")
    assert (problem["code"], "globex" in problem["detail"].partition(";")[2]) == ("not-allowed", False)


def test_the_header_does_not_move_a_slipway_token(api: Api) -> None:
    owner = api.caller("acme", Role.OWNER)
    owner.headers["X-Slipway-Tenant"] = "globex"
    assert owner.get("/api/account")["tenant"] == "acme"


def test_somebody_in_no_tenant_is_refused(api: Api, provider: OidcProvider) -> None:
    provider.add_person("ada", groups=["/tenants/nowhere/owner", "/tenants/acme", "/acme/owner"])
    problem = caller(api, provider).problem(403, "GET", "/api/account")
    assert "you are in no tenant" in problem["detail"]


def test_a_platform_admin_is_one_by_the_realms_role(api: Api, provider: OidcProvider) -> None:
    """The group's name or the tenant's owner is none."""
    refused = caller(api, provider, groups=["/tenants/acme/owner", "/platform-admin"])
    assert "platform-admin" in refused.problem(403, "POST", "/api/identity/sync")["detail"]
    admin = caller(api, provider, realm_access={"roles": ["platform-admin"]})
    assert admin.call("POST", "/api/identity/sync").status_code != 403


def test_a_program_that_signed_in_as_itself_is_refused_with_the_reason(api: Api, provider: OidcProvider) -> None:
    groups = ["/tenants/acme/owner"]
    program = Caller(api.client, provider.service_account_token("ci", groups=groups))
    problem = program.problem(403, "GET", "/api/account")
    assert "ci signed in as itself" in problem["detail"]
    assert "slipway tokens create" in problem["remedy"]


@pytest.mark.parametrize("token", ["not-a-token", "slwx_abc", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_of_any_kind_is_refused(api: Api, token: str) -> None:
    assert Caller(api.client, token).problem(401, "GET", "/api/account")["code"] == "not-authenticated"


def test_an_id_token_is_no_access_token(api: Api, provider: OidcProvider) -> None:
    problem = Caller(api.client, provider.id_token()).problem(401, "GET", "/api/account")
    assert "is no access token" in problem["detail"]


def test_slipways_tokens_work_beside_them(api: Api, provider: OidcProvider) -> None:
    provider.stop()
    assert api.caller("acme", Role.OWNER).get("/api/account")["role"] == "owner"
    assert Caller(api.client, "slw_unknown").problem(401, "GET", "/api/account")["detail"] == "The token is not known."


def test_a_provider_that_can_not_be_asked_is_no_refusal(api: Api, provider: OidcProvider) -> None:
    provider.stop()
    problem = caller(api, provider).problem(503, "GET", "/api/account")
    assert problem["code"] == "dependency-unavailable"


def test_a_token_of_an_ended_session_is_refused(api: Api, provider: OidcProvider) -> None:
    ada = caller(api, provider, sid="s-1")
    assert ada.get("/api/account")
    api.services.sign_on.sessions.end_of_sid("s-1")
    assert "has ended" in ada.problem(401, "GET", "/api/account")["detail"]
    assert caller(api, provider, sid="s-2").get("/api/account")


def test_a_token_from_before_the_person_changed_is_refused(api: Api, provider: OidcProvider) -> None:
    ada = caller(api, provider)
    assert ada.get("/api/account")
    api.services.sign_on.changes.person_changed("sub-of-ada")
    assert "has changed" in ada.problem(401, "GET", "/api/account")["detail"]


def _users(api: Api) -> dict[str, User]:
    with api.services.db.read(platform="a test looks") as session:
        return {user.sub: user for user in session.scalars(select(User))}


def _seen_long_ago(api: Api) -> None:
    seen_people._written.clear()
    with api.services.db.write(platform="a test's time") as session:
        session.execute(update(User).values(seen_at=now() - timedelta(minutes=2)))


def test_who_was_seen_is_remembered_and_written_once_a_minute(api: Api, provider: OidcProvider) -> None:
    caller(api, provider).get("/api/account")
    first = _users(api)["sub-of-ada"]
    assert (first.login, first.email) == ("ada", "ada@example.org")
    caller(api, provider).get("/api/account")
    assert _users(api)["sub-of-ada"].seen_at == first.seen_at
    _seen_long_ago(api)
    caller(api, provider, preferred_username="ada.l", email="ada@new.example").get("/api/account")
    again = _users(api)["sub-of-ada"]
    assert (again.id, again.login, again.email) == (first.id, "ada.l", "ada@new.example")
    assert again.seen_at >= first.seen_at


def test_within_a_minute_the_database_is_not_even_asked(api: Api, provider: OidcProvider) -> None:
    caller(api, provider).get("/api/account")
    with api.services.db.write(platform="a test's database") as session:
        session.execute(delete(User))
    caller(api, provider).get("/api/account")
    assert _users(api) == {}


def test_another_process_may_have_written_the_person(api: Api, provider: OidcProvider) -> None:
    caller(api, provider).get("/api/account")
    first = _users(api)["sub-of-ada"]
    seen_people._written.clear()
    caller(api, provider).get("/api/account")
    assert _users(api)["sub-of-ada"].seen_at == first.seen_at


def test_somebody_who_may_not_call_is_not_remembered(api: Api, provider: OidcProvider) -> None:
    caller(api, provider, groups=[]).problem(403, "GET", "/api/account")
    Caller(api.client, provider.access_token(exp=1)).problem(401, "GET", "/api/account")
    assert _users(api) == {}
