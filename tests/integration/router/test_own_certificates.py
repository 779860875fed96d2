"""Certificates that somebody gives for a host: taken, put in place, taken back; and who may not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from router.principal import Kind, Principal
from router.usecases.certificates.listing import list_certificates
from slipway.core.access.roles import Role
from slipway.core.dns import claims
from slipway.models import AuditRecord, OwnCertificate, Tenant, now
from tests.fakes.resolver import FakeResolver
from tests.fixtures.api import Caller
from tests.fixtures.chains import Given, given
from tests.integration.router.certificate_rig import HOST, Rig, make_rig

DOMAINS = "/api/apps/hello/domains"


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Rig]:
    yield from make_rig(state_dir, sqlite_url, redis_url)


@pytest.fixture
def without_authority(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Rig]:
    yield from make_rig(state_dir, sqlite_url, redis_url, ACME_DIRECTORY="off")


@pytest.fixture
def host(owner: Caller) -> str:
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    return HOST


def path(host: str = HOST, app: str = "hello") -> str:
    return f"/api/apps/{app}/domains/{host}/certificate"


def give(who: Caller, made: Given, host: str = HOST) -> Any:
    return who.put(path(host), {"certificate": made.certificate, "key": made.key})


def refused(who: Caller, status: int, made: Given, host: str = HOST, app: str = "hello") -> Any:
    return who.problem(status, "PUT", path(host, app), {"certificate": made.certificate, "key": made.key})


def certificate_of(who: Caller, host: str = HOST) -> Any:
    return next(each["certificate"] for each in who.get(DOMAINS)["domains"] if each["host"] == host)


def test_one_that_is_given_is_served_and_shown(api: Rig, owner: Caller, host: str) -> None:
    made = given(HOST, "www.example.org")

    shown = give(owner, made)

    assert (shown["serial"], shown["issuer"]) == (made.serial, "Test Intermediate")
    assert shown["names"] == [HOST, "www.example.org"]
    assert "only clients that know Test Root" in shown["warnings"][0]
    assert (shown["certificate"]["source"], shown["certificate"]["state"]) == ("own", "waiting")
    assert "being put in place" in shown["certificate"]["next_step"]
    assert api.run_jobs() == ["issued"]
    assert api.served() == made.serial
    assert api.served("www.example.org") == "", "for the host alone that it was given for"
    stands = certificate_of(owner)
    assert (stands["state"], stands["source"], stands["issuer"]) == ("issued", "own", "Test Intermediate")
    assert (stands["authority"], stands["alarm"], stands["renew_at"]) == ("", False, None)
    assert "give the next one: slipway certificates add" in stands["next_step"]


def test_it_takes_the_authoritys_place_and_is_the_only_one_in_the_index(api: Rig, owner: Caller, host: str) -> None:
    authoritys = api.issue()
    made = given(HOST)
    give(owner, made)
    assert certificate_of(owner)["state"] == "issued", "the old one is served until then"

    assert api.run_jobs() == ["issued"]

    assert api.served() == made.serial != authoritys
    assert len(api.index()["certificates"]) == 1
    assert api.authority.revoked == []


def test_the_next_one_takes_the_place_of_the_one_before(api: Rig, owner: Caller, host: str) -> None:
    """Also one with the same serial: no folder that is served ever changes."""
    first, second = given(HOST, serial=7), given(HOST, serial=7)
    give(owner, first)
    api.run_jobs()
    [before] = api.index()["certificates"].values()
    give(owner, second)
    assert api.index()["certificates"] == {str(api.certificates()[0].id): before}

    api.run_jobs()

    [after] = api.index()["certificates"].values()
    assert after["folder"] != before["folder"]
    kept = api.services.settings.certificate_dir / before["folder"]
    assert (kept / "fullchain.pem").is_file(), "an edge may still read it"


def test_taken_back_the_authoritys_comes_again_and_until_then_the_own_one_is_served(
    api: Rig, owner: Caller, host: str
) -> None:
    authoritys, made = api.issue(), given(HOST)
    give(owner, made)
    api.run_jobs()

    owner.delete(path())

    assert api.own() == [], "its key is kept no longer"
    assert api.served() == made.serial
    assert "until then the own one is served" in certificate_of(owner)["next_step"]
    assert api.run_jobs() == ["issued"]
    assert api.served() == authoritys
    assert certificate_of(owner)["source"] == "acme"
    owner.problem(404, "DELETE", path())


def test_taken_back_before_it_was_in_place_nothing_happens(api: Rig, owner: Caller, host: str) -> None:
    authoritys = api.issue()
    give(owner, given(HOST))
    owner.delete(path())

    [row] = api.certificates()

    assert (row.state, row.source, row.serial) == ("issued", "acme", authoritys)
    assert row.renew_at is not None
    assert row.renew_at > now(), "the authority is not asked for another one"


def test_where_no_authority_certifies_the_host_there_is_none_afterwards(api: Rig, owner: Caller, host: str) -> None:
    made = given("hello.localhost")
    give(owner, made, "hello.localhost")
    api.run_jobs()
    assert api.served("hello.localhost") == made.serial

    owner.delete(path("hello.localhost"))
    api.run_jobs()

    assert api.served("hello.localhost") == ""
    assert [row.names_key for row in api.certificates()] == [HOST]
    assert api.authority.revoked == [], "it is its owner's to revoke"


def test_without_any_authority_own_ones_are_served(without_authority: Rig) -> None:
    owner = without_authority.caller()
    owner.create_app()
    owner.post(DOMAINS, {"host": HOST}, status=201)
    made = given(HOST)
    give(owner, made)
    without_authority.run_jobs()
    assert without_authority.served() == made.serial
    owner.delete(f"{DOMAINS}/{HOST}")
    without_authority.run_jobs()
    assert without_authority.served() == ""
    assert without_authority.certificates() == []


def test_a_wildcard_host_takes_one_with_just_that_name(api: Rig, owner: Caller, host: str) -> None:
    owner.post(DOMAINS, {"host": "*.shop.example.org"}, status=201)
    assert "is not for *.shop" in refused(owner, 422, given("a.shop.example.org"), "*.shop.example.org")["detail"]
    made = given("*.shop.example.org")
    give(owner, made, "*.shop.example.org")
    api.run_jobs()
    assert api.served("*.shop.example.org") == made.serial


def test_it_goes_with_its_domain_and_its_app(api: Rig, owner: Caller, host: str) -> None:
    give(owner, given(HOST))
    api.run_jobs()
    owner.delete(f"{DOMAINS}/{HOST}")
    assert api.own() == []
    api.run_jobs()
    assert api.served() == ""
    assert api.certificates() == []

    owner.post(DOMAINS, {"host": HOST}, status=201)
    [row] = api.certificates()
    assert (row.source, row.serial) == ("acme", ""), "it does not come back by itself"


def test_a_host_that_is_added_again_at_once_does_not_get_it_back(api: Rig, owner: Caller, host: str) -> None:
    give(owner, given(HOST))
    api.run_jobs()
    owner.delete(f"{DOMAINS}/{HOST}")
    owner.post(DOMAINS, {"host": HOST}, status=201)

    assert [(row.state, row.source) for row in api.certificates()] == [("removed", "own"), ("waiting", "acme")]


@pytest.mark.parametrize("taken_back", [False, True])
def test_who_wins_the_domain_by_proof_never_gets_the_key_of_who_had_it(
    api: Rig, owner: Caller, stranger: Caller, host: str, taken_back: bool
) -> None:
    give(owner, given(HOST))
    api.run_jobs()
    if taken_back:
        owner.delete(path())
    stranger.create_app("other")
    assert isinstance(api.services.resolver, FakeResolver)
    with api.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(Tenant).filter_by(name="globex")).one()
        mark = claims.tenant_mark(row.id, row.created_at)
    api.services.resolver.records["_slipway.example.org", "TXT"] = [claims.proof(mark)]

    stranger.post("/api/apps/other/domains", {"host": HOST}, status=201)

    assert api.own() == []
    before, after = api.certificates()
    assert (before.state, after.state, after.source) == ("removed", "waiting", "acme")
    assert (after.tenant_id, after.serial) == (api.tenant_id("globex"), "")
    api.run_jobs()
    assert api.served() == ""
    problem = refused(owner, 404, given(HOST))
    assert "globex" not in str(problem)


def test_nobody_gives_one_for_what_is_not_theirs(api: Rig, owner: Caller, stranger: Caller, host: str) -> None:
    """Neither another's host, nor a name below, above or beside it, nor the platform's own."""
    stranger.create_app()
    console = api.services.settings.console_host
    names = (HOST, "a.shop.example.org", "*.shop.example.org", "example.org", "other.example.org", console)
    for name in (*names, f"x.{console}", api.services.settings.app_domain, "127.0.0.1"):
        problem = refused(stranger, 404, given(name), name)
        assert "acme" not in str(problem)
    refused(owner, 404, given("a.shop.example.org"), "a.shop.example.org")
    stranger.problem(404, "DELETE", path())
    refused(api.caller("acme", Role.VIEWER), 403, given(HOST))
    assert api.own() == []


def test_a_certificate_with_other_names_in_it_is_served_for_the_own_host_alone(
    api: Rig, owner: Caller, stranger: Caller, host: str
) -> None:
    """globex has one that is for acme's host and for the console, too."""
    stranger.create_app("other")
    stranger.post("/api/apps/other/domains", {"host": "globex.example"}, status=201)
    made = given("globex.example", HOST, api.services.settings.console_host, "*.example.org")
    body = {"certificate": made.certificate, "key": made.key}
    stranger.put(path("globex.example", "other"), body)
    api.run_jobs()
    assert [each["names"] for each in api.index()["certificates"].values()] == [["globex.example"]]


def test_the_same_key_at_two_tenants_is_said_to_neither(api: Rig, owner: Caller, stranger: Caller, host: str) -> None:
    stranger.create_app("other")
    stranger.post("/api/apps/other/domains", {"host": "globex.example"}, status=201)
    made = given(HOST, "globex.example")
    first = give(owner, made)
    second = stranger.put(path("globex.example", "other"), {"certificate": made.certificate, "key": made.key})
    assert first["warnings"] == second["warnings"]


def test_the_key_is_sealed_and_nowhere_else(
    api: Rig, owner: Caller, host: str, caplog: pytest.LogCaptureFixture, state_dir: Path
) -> None:
    made = given(HOST)
    secret = "".join(made.key.splitlines()[1:-1])[40:80]
    broken = {"certificate": made.certificate, "key": made.key.replace("-----END", "-----")}
    with caplog.at_level(logging.DEBUG):
        said = [owner.put(path(), {"certificate": made.certificate, "key": made.key})]
        said += [owner.problem(422, "PUT", path(), broken), owner.problem(422, "PUT", path(), {"key": [made.key]})]
        said += [owner.get(DOMAINS), owner.get("/api/metrics")]
        api.run_jobs()
    with api.services.db.read(platform="a test looks") as session:
        records = [(each.action, each.subject, each.detail) for each in session.scalars(select(AuditRecord))]
        sealed = session.scalars(select(OwnCertificate.sealed)).one()
    for text in (str(said), str(records), sealed, caplog.text, str([vars(each) for each in caplog.records])):
        flat = text.replace("\\n", "").replace("\n", "")
        assert secret not in flat
        assert "PRIVATE KEY" not in flat
    [added] = [each for each in records if each[0] == "certificate.add"]
    assert added[1:] == (
        HOST,
        {"app": "hello", "serial": made.serial, "not_after": said[0]["not_after"].replace("Z", "+00:00")},
    )
    keys = [each for each in state_dir.rglob("*") if each.is_file() and b"PRIVATE KEY" in each.read_bytes()]
    assert [each.name for each in keys] == ["key.pem"]
    assert keys[0].stat().st_mode & 0o777 == 0o600


def test_a_sealed_one_opens_at_no_other_host(api: Rig, owner: Caller, host: str) -> None:
    """Somebody who can write rows moves acme's to their own."""
    give(owner, given(HOST))
    owner.post(DOMAINS, {"host": "b.example.org"}, status=201)
    give(owner, given("b.example.org"), "b.example.org")
    with api.services.db.write(platform="a test changes") as session:
        first, second = session.scalars(select(OwnCertificate).order_by(OwnCertificate.id))
        second.sealed = first.sealed

    api.run_jobs()

    assert api.served("b.example.org") == ""
    stands = certificate_of(owner, "b.example.org")
    assert (stands["state"], stands["reason"]) == ("failed", "own-unreadable")
    assert "give it again" in stands["next_step"]


def test_lost_files_are_put_in_place_again(api: Rig, owner: Caller, host: str) -> None:
    made = given(HOST)
    give(owner, made)
    api.run_jobs()
    [row] = api.index()["certificates"].values()
    folder = api.services.settings.certificate_dir / row["folder"]
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
    api.change(ask_window_at=now())

    api.run_jobs()

    assert api.served() == made.serial


def test_another_one_given_meanwhile_wins(api: Rig, owner: Caller, host: str) -> None:
    """The job of the first has read it, and then loses its lease."""
    give(owner, given(HOST))
    [row] = api.certificates()
    lease = row.lease
    second = given(HOST)
    give(owner, second)
    assert api.certificates()[0].lease > lease
    api.run_jobs()
    assert api.served() == second.serial


def test_the_alarm_is_raised_as_for_the_others(api: Rig, owner: Caller, host: str) -> None:
    give(owner, given(HOST, begins=timedelta(days=-80), lasts=timedelta(days=90)))
    api.run_jobs()
    assert certificate_of(owner)["alarm"]
    [expiry] = owner.get("/api/metrics")["certificates"]
    assert (expiry["source"], expiry["alarm"], expiry["names"]) == ("own", True, [HOST])


def test_each_tenant_sees_its_own_and_administrators_see_all(
    api: Rig, owner: Caller, stranger: Caller, host: str
) -> None:
    stranger.create_app("other")
    stranger.post("/api/apps/other/domains", {"host": "globex.org"}, status=201)
    give(owner, given(HOST))
    api.run_jobs()

    assert [each["names"] for each in owner.get("/api/metrics")["certificates"]] == [[HOST]]
    assert [each["names"] for each in stranger.get("/api/metrics")["certificates"]] == [["globex.org"]]
    for caller in (owner, stranger):
        assert "platform-admin" in caller.problem(403, "GET", "/api/certificates")["detail"]
    administrator = Principal(
        Kind.PERSON, "sub", "root", api.tenant_id("globex"), "globex", Role.VIEWER, platform_admin=True
    )
    found = list_certificates(api.services, administrator).certificates
    assert {(each.tenant, each.app, each.source, *each.names) for each in found} >= {
        ("acme", "hello", "own", HOST),
        ("globex", "other", "acme", "globex.org"),
    }
    assert found[0].names == [HOST], "what runs out first comes first"
    assert found[0].next_step


def test_a_check_of_a_host_with_an_own_one_asks_nobody(api: Rig, owner: Caller, host: str) -> None:
    give(owner, given(HOST))
    found = owner.post(f"{DOMAINS}/{HOST}/check", status=200)
    assert found["ok"]
    assert found["certificate"]["source"] == "own"


def test_where_no_https_is_served_none_is_taken(state_dir: Path, sqlite_url: str, redis_url: str) -> None:
    for api in make_rig(state_dir, sqlite_url, redis_url, HTTPS_LISTEN=""):
        owner = api.caller()
        owner.create_app()
        assert "SLIPWAY_HTTPS_LISTEN" in refused(owner, 409, given("hello.localhost"), "hello.localhost")["remedy"]
