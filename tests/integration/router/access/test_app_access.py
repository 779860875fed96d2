"""Who may use an app: shown, changed and asked through the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from router.app import create_app
from slipway.core.identity.claims import Person
from slipway.models import AuditRecord, Build, Release, RouteChange, Token, now
from tests.fakes import FakeDirectory
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live

PATH = "/api/apps/hello/access"
TEST = f"{PATH}/test"
PUBLIC_PART = {"path": "/public/", "allow": "public"}


def person(login: str, *groups: str) -> Person:
    return Person(f"sub-{login}", login, email=f"{login}@example.org", email_verified=True, groups=groups)


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory(
        [
            person("ada", "/tenants/acme/owner", "/staff/ops"),
            person("vic", "/tenants/acme/viewer"),
            person("gus", "/tenants/globex/owner"),
        ]
    )


@pytest.fixture
def signed_on(api: Api, directory: FakeDirectory) -> Api:
    """The same platform with sign-on."""
    settings = replace(api.services.settings, keycloak="http://127.0.0.1:1")
    services = replace(api.services, settings=settings, directory=directory)
    return Api(services, create_app(services).test_client())


@pytest.fixture
def dev(signed_on: Api, developer: Caller) -> Caller:
    """A developer of acme, where people can sign in."""
    return replace(developer, client=signed_on.client)


@pytest.fixture(autouse=True)
def app(owner: Caller) -> None:
    owner.create_app()


@pytest.fixture
def filed(api: Api) -> Callable[[dict[str, Any]], None]:
    """Gives what serves a slipway.toml that says this of access."""

    def file(access: dict[str, Any]) -> None:
        deployment = make_live(api.services.db, "hello")
        with api.services.db.write(platform="a test's file") as session:
            release = session.scalars(select(Release)).one()
            place = {"tenant_id": release.tenant_id, "app_id": release.app_id, "deployment_id": deployment}
            build = Build(image="i", digest="sha256:1", file_settings={"access": access}, **place)
            session.add(build)
            session.flush()
            release.build_id = build.id

    return file


def ask(caller: Caller, path: str = "/", **who: Any) -> Any:
    return caller.post(TEST, {"path": path, **who}, status=200)


def test_an_app_is_its_tenants_where_people_sign_in_and_public_elsewhere(dev: Caller, developer: Caller) -> None:
    assert (developer.get(PATH)["allow"], developer.get(PATH)["sign_on"]) == (["public"], False)
    shown = dev.get(PATH)
    assert (shown["allow"], shown["sign_on"]) == (["tenant"], True)
    assert shown["who"] == "members of the tenant acme, and its tokens"
    assert shown["own"] == {"allow": None, "paths": []}
    assert shown["notices"] == []


def test_policies_are_set_shown_and_taken_away(api: Api, dev: Caller) -> None:
    with api.services.db.read(platform="a test looks") as session:
        before = len(session.scalars(select(RouteChange)).all())
    body = {"allow": ["role:developer", "token"], "paths": [PUBLIC_PART]}
    shown = dev.put(PATH, body)
    assert shown == dev.get(PATH)
    assert (shown["allow"], shown["who"]) == (
        ["role:developer", "token"],
        "who has the role developer or owner in the tenant acme, and its tokens of such a role; "
        "tokens and CI jobs of the tenant acme, no browser",
    )
    assert shown["paths"] == [{"path": "/public/", "allow": ["public"], "who": "everybody, without signing in"}]
    assert dev.get("/api/apps/hello")["settings"]["access"] == {
        "allow": ["role:developer", "token"],
        "paths": [{"path": "/public/", "allow": ["public"]}],
    }
    assert dev.put(PATH, {})["allow"] == ["tenant"]
    assert "access" not in dev.get("/api/apps/hello")["settings"]
    with api.services.db.read(platform="a test looks") as session:
        assert len(session.scalars(select(RouteChange)).all()) == before + 2


def test_other_settings_stay_as_they_are(dev: Caller) -> None:
    dev.patch("/api/apps/hello", {"settings": {"balancing": "least_load"}})
    dev.put(PATH, {"allow": "nobody"})
    dev.put(PATH, {})
    assert dev.get("/api/apps/hello")["settings"] == {"balancing": "least_load"}


def test_who_may_change_and_ask(viewer: Caller) -> None:
    assert viewer.get(PATH)["allow"] == ["public"]
    viewer.problem(403, "PUT", PATH, {"allow": "public"})
    viewer.problem(403, "POST", TEST, {"path": "/"})


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"allow": "everyone"}, "'everyone' is no policy"),
        ({"allow": ["public", "tenant"]}, "'public' stands alone"),
        ({"allow": []}, "without a term"),
        ({"paths": [{"path": "/a;b", "allow": "public"}]}, "can't be the path of a rule"),
        ({"paths": [PUBLIC_PART, PUBLIC_PART]}, "two of the rules have the path /public/"),
        ({"paths": [{"path": f"/{n}", "allow": "public"} for n in range(21)]}, "at most 20"),
    ],
)
def test_a_policy_that_can_not_be_is_refused(dev: Caller, body: Any, fault: str) -> None:
    problem = dev.problem(422, "PUT", PATH, body)
    assert fault in problem["detail"]
    assert dev.get(PATH)["own"] == {"allow": None, "paths": []}


def test_another_tenants_app_is_not_found_and_nothing_of_it_is_shown(api: Api, dev: Caller) -> None:
    dev.put(PATH, {"allow": "group:/secret/project"})
    other = api.caller("globex")
    for method, path, body in (("GET", PATH, None), ("PUT", PATH, {"allow": "public"}), ("POST", TEST, {"path": "/"})):
        problem = other.problem(404, method, path, body)
        assert "acme" not in str(problem)
        assert "secret" not in str(problem)
    assert dev.get(PATH)["allow"] == ["group:/secret/project"]


def test_what_the_file_of_what_serves_says_is_shown_and_can_not_be_changed_here(
    dev: Caller, filed: Callable[[dict[str, Any]], None]
) -> None:
    filed({"allow": "role:owner"})
    assert (dev.get(PATH)["allow"], dev.get(PATH)["fixed"]) == (["role:owner"], ["allow"])
    refused = dev.problem(409, "PUT", PATH, {"allow": "public"})
    assert "access.allow" in refused["detail"]
    assert refused["remedy"] == "change it there and push"
    assert dev.put(PATH, {"paths": [PUBLIC_PART]})["paths"][0]["allow"] == ["public"]
    assert dev.get(PATH)["allow"] == ["role:owner"]


def test_changes_are_recorded(api: Api, dev: Caller) -> None:
    dev.put(PATH, {"allow": "nobody", "paths": [PUBLIC_PART]})
    with api.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(AuditRecord).filter_by(action="access.change")).one()
        assert (row.subject, row.actor) == ("hello", "token:acme-developer")
        assert row.detail == {"allow": ["nobody"], "paths": [{"path": "/public/", "allow": ["public"]}]}


def test_that_everybody_gets_in_is_said(dev: Caller) -> None:
    assert dev.put(PATH, {"allow": "public"})["notices"] == ["hello is public: everybody sees it without signing in."]
    closed = {"path": "/admin", "allow": "role:owner"}
    assert dev.put(PATH, {"allow": "public", "paths": [closed]})["notices"] == [
        "hello is public: everybody sees it without signing in, but for /admin."
    ]
    assert dev.put(PATH, {"paths": [PUBLIC_PART]})["notices"] == [
        "Public, everybody sees it without signing in: /public/."
    ]
    assert dev.put(PATH, {"allow": "tenant"})["notices"] == []


def test_that_nobody_gets_in_while_sign_on_is_off_is_said(developer: Caller) -> None:
    assert "admits nobody" in developer.put(PATH, {"allow": "tenant"})["notices"][0]
    assert developer.put(PATH, {"allow": "public"})["notices"] == []


def test_a_change_of_all_settings_says_the_same(dev: Caller) -> None:
    changed = dev.patch("/api/apps/hello", {"settings": {"access": {"allow": "public"}}})
    assert "hello is public: everybody sees it without signing in." in changed["notices"]
    assert changed["at_the_edge"] is True
    again = dev.patch("/api/apps/hello", {"settings": {"balancing": "least_load"}})
    assert not any("public" in notice for notice in again["notices"])


def test_somebody_without_credentials_sees_what_is_public(dev: Caller) -> None:
    dev.put(PATH, {"paths": [PUBLIC_PART]})
    assert ask(dev, "/public/x", anonymous=True)["allowed"] is True
    refused = ask(dev, "/other", anonymous=True)
    assert (refused["allowed"], refused["policies"][0]["allow"]) == (False, ["tenant"])
    assert refused["why"].startswith("somebody who is not signed in does not meet 'tenant'")


def test_a_person_is_judged_by_their_groups(dev: Caller) -> None:
    dev.put(PATH, {"allow": "role:owner", "paths": [{"path": "/ops", "allow": "group:/staff"}]})
    assert ask(dev, person="ada")["allowed"] is True
    assert ask(dev, person="ada@example.org", path="/ops")["allowed"] is True
    assert ask(dev, person="vic")["allowed"] is False
    assert ask(dev, "/ops", groups=["/staff/ops/on-call"])["allowed"] is True
    assert ask(dev, groups=["/tenants/acme/owner"])["allowed"] is True
    assert ask(dev, groups=["/tenants/globex/owner"])["allowed"] is False
    dev.problem(422, "POST", TEST, {"path": "/", "groups": ["staff"]})


def test_whether_another_tenant_has_a_person_is_not_said(dev: Caller) -> None:
    known = dev.problem(404, "POST", TEST, {"path": "/", "person": "gus"})
    unknown = dev.problem(404, "POST", TEST, {"path": "/", "person": "who"})
    assert known["detail"].replace("gus", "who") == unknown["detail"]
    assert "globex" not in str(known)


def test_a_token_is_judged_by_its_role_while_it_is_in_use(api: Api, owner: Caller, dev: Caller) -> None:
    made = owner.post("/api/tokens", {"name": "ci", "role": "viewer"}, status=201)
    dev.put(PATH, {"allow": "role:developer", "paths": [{"path": "/api", "allow": "token"}]})
    assert ask(dev, "/api", token=made["id"])["allowed"] is True
    refused = ask(dev, token=made["id"])
    assert (refused["allowed"], "ci" in refused["why"]) == (False, False)
    with api.services.db.write(platform="a test ages it") as session:
        session.get_one(Token, made["id"]).expires_at = now() - timedelta(seconds=1)
    dev.problem(404, "POST", TEST, {"path": "/api", "token": made["id"]})


def test_another_tenants_token_is_not_found(api: Api, dev: Caller) -> None:
    other = api.caller("globex").post("/api/tokens", {"name": "theirs"}, status=201)
    dev.problem(404, "POST", TEST, {"path": "/", "token": other["id"]})


def test_a_path_has_to_meet_all_policies_that_it_can_be_read_as(dev: Caller) -> None:
    dev.put(PATH, {"paths": [PUBLIC_PART]})
    answer = ask(dev, "/public/../admin?x=1", anonymous=True)
    assert (answer["allowed"], answer["ambiguous"]) == (False, "/..")
    assert [policy["allowed"] for policy in answer["policies"]] == [False, True]
    assert ask(dev, "/public/caf\u00e9", anonymous=True)["path"] == "/public/caf%C3%A9"
    assert ask(dev, "/public/caf\u00e9", anonymous=True)["allowed"] is True


def test_who_could_see_a_path_is_listed_of_the_own_tenant_alone(dev: Caller, directory: FakeDirectory) -> None:
    assert [(each["login"], each["role"]) for each in ask(dev)["people"]] == [("ada", "owner"), ("vic", "viewer")]
    dev.put(PATH, {"allow": "role:owner", "paths": [PUBLIC_PART, {"path": "/all", "allow": "signed-in"}]})
    answer = ask(dev)
    assert [each["login"] for each in answer["people"]] == ["ada"]
    assert (answer["allowed"], answer["notices"]) == (None, [])
    assert "gus" not in str(ask(dev, "/all"))
    assert "others may meet" in ask(dev, "/all")["notices"][0]
    everybody = ask(dev, "/public/x")
    assert (everybody["people"], everybody["why"]) == (None, "everybody, without signing in")
    directory.people = [person(f"p{number:03}", "/tenants/acme/owner") for number in range(300)]
    many = ask(dev)
    assert len(many["people"]) == 200
    assert many["notices"] == ["Only 200 people of acme were looked at."]


def test_while_keycloak_does_not_answer_the_words_are_there_and_the_people_are_not(
    dev: Caller, directory: FakeDirectory
) -> None:
    directory.is_unreachable = True
    answer = ask(dev)
    assert (answer["people"], answer["why"]) == (None, "members of the tenant acme, and its tokens")
    assert "Keycloak does not answer" in answer["notices"][0]
    assert dev.problem(503, "POST", TEST, {"path": "/", "person": "ada"})["code"] == "dependency-unavailable"


def test_while_sign_on_is_off_nobody_meets_a_policy(developer: Caller) -> None:
    assert ask(developer, anonymous=True)["allowed"] is True
    developer.put(PATH, {"allow": "tenant"})
    refused = ask(developer, groups=["/tenants/acme/owner"])
    assert (refused["allowed"], "sign-on is off" in refused["why"]) == (False, True)
    answer = ask(developer)
    assert (answer["people"], "SLIPWAY_KEYCLOAK" in answer["notices"][0]) == (None, True)
    assert "SLIPWAY_KEYCLOAK" in developer.problem(409, "POST", TEST, {"path": "/", "person": "ada"})["remedy"]


def test_one_caller_at_a_time(dev: Caller) -> None:
    dev.problem(422, "POST", TEST, {"path": "/", "anonymous": True, "person": "ada"})
