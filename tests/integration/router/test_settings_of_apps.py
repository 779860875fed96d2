"""Variables and domains."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from slipway.models import Domain, RouteChange, RouteTable, Variable
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live

VARIABLES = "/api/apps/hello/variables"
DOMAINS = "/api/apps/hello/domains"


@pytest.fixture(autouse=True)
def app(owner: Caller) -> None:
    owner.create_app()


def _values(answer: dict[str, list[dict[str, str]]]) -> dict[tuple[str, str], str]:
    return {(each["scope"], each["name"]): each["value"] for each in answer["variables"]}


def test_variables_are_set_and_unset_in_one_go(developer: Caller) -> None:
    first = developer.patch(VARIABLES, {"set": {"A": "1", "B": "zwei\nzeilen"}})
    assert (_values(first), first["deployment"]) == ({("run", "A"): "1", ("run", "B"): "zwei\nzeilen"}, None)
    then = developer.patch(VARIABLES, {"set": {"A": "2"}, "unset": ["B", "NEVER"]})
    assert sorted(then["changed"]) == ["A", "B"]
    assert _values(then) == {("run", "A"): "2"}
    developer.patch(VARIABLES, {"set": {"A": "for builds"}, "scope": "build"})
    assert _values(developer.get(VARIABLES)) == {("build", "A"): "for builds", ("run", "A"): "2"}


def test_values_are_sealed_for_their_place(api: Api, developer: Caller) -> None:
    developer.patch(VARIABLES, {"set": {"A": "secret"}})
    with api.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(Variable)).one()
        assert "secret" not in row.sealed
        assert api.services.values.open(row.sealed, row.tenant_id, row.app_id, "production", "A") == "secret"


def test_only_a_real_change_of_what_runs_is_rolled_out(api: Api, developer: Caller) -> None:
    make_live(api.services.db, "hello")
    deployment = developer.patch(VARIABLES, {"set": {"A": "1"}})["deployment"]
    assert (deployment["kind"], deployment["message"]) == ("configuration", "variables changed: A")
    assert "1" not in deployment["message"]
    same = developer.patch(VARIABLES, {"set": {"A": "1"}})
    assert (same["deployment"], same["changed"]) == (None, [])
    assert developer.patch(VARIABLES, {"unset": ["NEVER"]})["deployment"] is None
    assert developer.patch(VARIABLES, {"set": {"A": "2"}, "scope": "build"})["deployment"] is None
    assert developer.patch(VARIABLES, {"unset": ["A"]})["deployment"] is not None


def test_a_mark_as_secret_stays_until_the_variable_is_unset(api: Api, developer: Caller) -> None:
    def marks() -> dict[str, bool]:
        return {each["name"]: each["secret"] for each in developer.get(VARIABLES)["variables"]}

    make_live(api.services.db, "hello")
    developer.patch(VARIABLES, {"set": {"A": "production", "B": "plain"}})
    assert marks() == {"A": False, "B": False}
    marked = developer.patch(VARIABLES, {"set": {"A": "production"}, "secret": True})
    assert (marked["changed"], marked["deployment"] is not None) == (["A"], True), "the release knows what to mask"
    again = developer.patch(VARIABLES, {"set": {"A": "production"}, "secret": True})
    assert again["changed"] == []
    developer.patch(VARIABLES, {"set": {"A": "staging"}})
    assert marks() == {"A": True, "B": False}
    developer.patch(VARIABLES, {"unset": ["A"]})
    developer.patch(VARIABLES, {"set": {"A": "staging"}})
    assert marks() == {"A": False, "B": False}


def test_viewers_see_names_only(developer: Caller, viewer: Caller) -> None:
    developer.patch(VARIABLES, {"set": {"A": "its value"}})
    answer = viewer.call("GET", VARIABLES)
    assert "its value" not in answer.text
    assert [(each["name"], each["value"]) for each in answer.json["variables"]] == [("A", None)]


@pytest.mark.parametrize(
    "body",
    [
        {"set": {"1A": "x"}},
        {"set": {"PORT": "80"}},
        {"set": {"A=B": "x"}},
        {"set": {"A": 1}},
        {"set": {"A": "x\0"}},
        {"set": {"A": "x" * ((64 << 10) + 1)}},
        {"set": {f"V{n}": "x" * (60 << 10) for n in range(8)}},
        {"set": {"A": "x"}, "unset": ["A"]},
        {"set": {"A": "x"}, "scope": "both"},
        {"A": "x"},
    ],
)
def test_variables_that_cannot_be(developer: Caller, body: object) -> None:
    developer.problem(422, "PATCH", VARIABLES, body)
    assert developer.get(VARIABLES) == {"variables": []}


def test_a_host_leads_to_one_app_and_touches_the_routes(api: Api, owner: Caller) -> None:
    with api.services.db.read(platform="a test looks") as session:
        before = session.scalars(select(RouteTable.generation)).one()
    made = owner.post(DOMAINS, {"host": "Shop.Example.ORG."}, status=201)
    assert (made["host"], made["url"], made["process"]) == ("shop.example.org", "http://shop.example.org:8080/", "web")
    assert owner.post(DOMAINS, {"host": "shop.example.org"}, status=201) == made, "again changes nothing"
    hosts = [each["host"] for each in owner.get(DOMAINS)["domains"]]
    assert hosts == ["hello.localhost", "shop.example.org"]
    assert owner.get("/api/apps/hello")["urls"][1] == "http://shop.example.org:8080/"
    owner.delete(f"{DOMAINS}/shop.example.org")
    owner.problem(404, "DELETE", f"{DOMAINS}/shop.example.org")
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(RouteTable.generation)).one() == before + 2
        changes = session.scalars(select(RouteChange.host).where(RouteChange.generation > before)).all()
        assert changes == ["shop.example.org"] * 2


def test_a_taken_host_is_refused_without_telling_whose(owner: Caller, stranger: Caller) -> None:
    owner.post(DOMAINS, {"host": "shop.example.org"}, status=201)
    stranger.create_app("other")
    problem = stranger.problem(409, "POST", "/api/apps/other/domains", {"host": "shop.example.org"})
    assert problem["code"] == "domain-not-proven"
    assert "acme" not in str(problem)
    assert "hello" not in str(problem)


def test_a_host_of_another_app_of_the_tenant_is_taken(owner: Caller) -> None:
    owner.post(DOMAINS, {"host": "shop.example.org"}, status=201)
    owner.create_app("other")
    assert owner.problem(409, "POST", "/api/apps/other/domains", {"host": "shop.example.org"})["code"] == "conflict"


def test_an_address_that_is_a_strangers_default_host_is_worked_round(api: Api, owner: Caller, stranger: Caller) -> None:
    stranger.create_app("one")
    for host in ("two.localhost", "two-acme.localhost"):
        stranger.post("/api/apps/one/domains", {"host": host}, status=201)
    assert owner.create_app("two")["urls"] == ["http://two-acme-2.localhost:8080/"]
    long = "a" * 40
    stranger.create_app(long)
    assert len(owner.create_app(long)["urls"][0]) < 80
    with api.services.db.read(platform="a test looks") as session:
        assert all(len(host.split(".")[0]) <= 63 for host in session.scalars(select(Domain.host)))


def test_below_anothers_host_under_the_platforms_domain_nobody_gets_one(owner: Caller, stranger: Caller) -> None:
    stranger.create_app("other")
    problem = stranger.problem(409, "POST", "/api/apps/other/domains", {"host": "a.b.hello.localhost"})
    assert "hello.localhost" in problem["detail"]
    stranger.problem(409, "POST", "/api/apps/other/domains", {"host": "x.nobodys.localhost"})
    owner.post(DOMAINS, {"host": "a.b.hello.localhost"}, status=201)
    stranger.post("/api/apps/other/domains", {"host": "a.hello.example.org"}, status=201)


@pytest.mark.parametrize("host", ["slipway.localhost", "SLIPWAY.localhost", "x.slipway.localhost"])
def test_the_platforms_own_hosts_are_not_given_away(owner: Caller, host: str) -> None:
    problem = owner.problem(422, "POST", DOMAINS, {"host": host})
    assert problem["detail"].endswith("is the platform's own host")


@pytest.mark.parametrize("host", ["console.localhost", "", "a b", "x..y", "-x.org", "http://x"])
def test_hosts_that_cannot_be(owner: Caller, host: str) -> None:
    owner.problem(422, "POST", DOMAINS, {"host": host})


@pytest.mark.parametrize("host", ["com", "co.uk", "203.0.113.9", "0x7f.1", "[::1]", "localhost"])
def test_what_nobody_can_own_leads_to_no_app(owner: Caller, host: str) -> None:
    problem = owner.problem(422, "POST", DOMAINS, {"host": host})
    assert "an app needs a name of its own" in problem["detail"]


def test_a_host_that_was_taken_when_it_was_allowed_can_be_given_back(api: Api, owner: Caller) -> None:
    owner.post(DOMAINS, {"host": "shop.example.org"}, status=201)
    with api.services.db.write(platform="a test changes") as session:
        session.execute(update(Domain).where(Domain.host == "shop.example.org").values(host="com"))
    owner.delete(f"{DOMAINS}/com")
    assert "com" not in [each["host"] for each in owner.get(DOMAINS)["domains"]]
