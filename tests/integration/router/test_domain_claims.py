"""Nobody gets a domain that another tenant uses, or used lately, without showing that it is theirs."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from sqlalchemy import select, update

from router.usecases import domain_claims
from slipway.core.dns import claims
from slipway.core.dns.answers import Outcome
from slipway.domain.domain_claims import FORMER_PER_TENANT, remember
from slipway.errors import DomainNotProven
from slipway.models import AuditRecord, FormerDomain, Tenant
from tests.fakes.resolver import FakeResolver
from tests.fixtures.api import Api, Caller

OURS, THEIRS = "/api/apps/hello/domains", "/api/apps/other/domains"


@pytest.fixture
def dns(api: Api, owner: Caller, stranger: Caller) -> FakeResolver:
    """acme has the app hello, globex the app other."""
    owner.create_app("hello")
    stranger.create_app("other")
    assert isinstance(api.services.resolver, FakeResolver)
    return api.services.resolver


def mark(api: Api, tenant: str) -> str:
    with api.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(Tenant).filter_by(name=tenant)).one()
        return claims.tenant_mark(row.id, row.created_at)


def refused(who: Caller, path: str, host: str) -> dict[str, Any]:
    problem = who.problem(409, "POST", path, {"host": host})
    assert problem["code"] == "domain-not-proven"
    return dict(problem)


def test_who_comes_first_proves_nothing_and_nobody_is_asked(dns: FakeResolver, owner: Caller) -> None:
    for host in ("shop.example.org", "*.shop.example.org", "example.org", "blog.example.org"):
        assert owner.post(OURS, {"host": host}, status=201)["proven_at"] is None
    assert dns.asked == []


def test_beside_above_and_below_anothers_host_nobody_gets_one_without_proof(
    dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    held = ("shop.{}.org", "{}.org", "*.{}.org", "a.shop.{}.org")
    attempts = ("shop.{}.org", "blog.{}.org", "{}.org", "*.shop.{}.org")
    for number, (host, attempt) in enumerate(product(held, attempts)):
        domain = f"example{number}"
        owner.post(OURS, {"host": host.format(domain)}, status=201)
        attempted = attempt.format(domain)
        problem = refused(stranger, THEIRS, attempted)
        assert problem["record"]["type"] == "TXT"
        assert problem["record"]["name"] == f"_slipway.{attempted.removeprefix('*.')}"
        assert problem["record"]["value"] in problem["remedy"]
        assert "acme" not in str(problem)
        assert "hello" not in str(problem)


def test_the_record_that_the_refusal_names_opens_the_way(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    record = refused(stranger, THEIRS, "blog.example.org")["record"]
    dns.records[record["name"], record["type"]] = ["v=spf1 -all", record["value"]]
    assert stranger.post(THEIRS, {"host": "blog.example.org"}, status=201)["proven_at"]
    assert [each["host"] for each in owner.get(OURS)["domains"]][-1] == "shop.example.org", "acme keeps its own"


def test_a_record_at_the_registered_domain_counts_for_all_below(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    dns.records["_slipway.example.org", "TXT"] = [claims.proof(mark(api, "globex"))]
    for host in ("*.deep.example.org", "example.org"):
        stranger.post(THEIRS, {"host": host}, status=201)


def test_a_record_below_or_elsewhere_counts_for_nothing(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    ours = claims.proof(mark(api, "globex"))
    dns.records |= {(f"_slipway.{name}", "TXT"): [ours] for name in ("blog.example.org", "org", "example.com")}
    dns.records["example.org", "TXT"] = [ours]
    refused(stranger, THEIRS, "example.org")
    refused(stranger, THEIRS, "news.example.org")
    stranger.post(THEIRS, {"host": "blog.example.org"}, status=201)


def test_another_tenants_record_proves_nothing(api: Api, dns: FakeResolver, owner: Caller, stranger: Caller) -> None:
    """acme proves; globex finds that record, and can't use it."""
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    dns.records["_slipway.example.org", "TXT"] = [claims.proof(mark(api, "acme"))]
    refused(stranger, THEIRS, "blog.example.org")


def test_who_took_a_host_first_loses_it_to_who_holds_the_domain(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    """acme took the name before its owner, globex, came."""
    owner.post(OURS, {"host": "globex.example"}, status=201)
    record = refused(stranger, THEIRS, "globex.example")["record"]
    dns.records[record["name"], "TXT"] = [record["value"]]
    stranger.post(THEIRS, {"host": "globex.example"}, status=201)
    assert [each["host"] for each in owner.get(OURS)["domains"]] == ["hello.localhost"]
    refused(owner, OURS, "globex.example")
    with api.services.db.read(platform="a test looks") as session:
        lost = session.scalars(select(AuditRecord).where(AuditRecord.action == "domain.lose")).one()
        assert (lost.tenant_id, lost.subject, lost.detail) == (api.tenant_id(), "globex.example", {"app": "hello"})
        assert "globex" not in lost.actor


def test_a_host_whose_tenant_has_a_record_too_is_not_taken_away(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    both = [claims.proof(mark(api, tenant)) for tenant in ("acme", "globex")]
    dns.records["_slipway.example.org", "TXT"] = both
    problem = stranger.problem(409, "POST", THEIRS, {"host": "shop.example.org"})
    assert problem["code"] == "conflict"
    assert both[0] in problem["remedy"]
    assert len(owner.get(OURS)["domains"]) == 2


def test_a_removed_host_is_not_free_for_others_at_once(dns: FakeResolver, owner: Caller, stranger: Caller) -> None:
    """Its records still lead here."""
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    owner.delete(f"{OURS}/shop.example.org")
    refused(stranger, THEIRS, "shop.example.org")
    refused(stranger, THEIRS, "*.example.org")
    owner.post(OURS, {"host": "shop.example.org"}, status=201)


def test_after_a_year_it_is(api: Api, dns: FakeResolver, owner: Caller, stranger: Caller) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    owner.delete(f"{OURS}/shop.example.org")
    with api.services.db.write(platform="a test changes") as session:
        former = session.scalars(select(FormerDomain)).one()
        former.released_at -= claims.LATELY
    stranger.post(THEIRS, {"host": "shop.example.org"}, status=201)


def test_a_tenant_with_the_id_of_one_that_is_gone_is_another(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    owner.delete(f"{OURS}/shop.example.org")
    with api.services.db.write(platform="a test changes") as session:
        session.execute(update(FormerDomain).values(tenant_mark="0" * 32))
    refused(owner, OURS, "shop.example.org")


def test_the_platforms_own_domain_needs_proof_above_its_hosts(api: Api, dns: FakeResolver, owner: Caller) -> None:
    """The console is slipway.corp.example, apps are below apps.corp.example: cookies of corp.example reach both."""
    object.__setattr__(api.services.settings, "console_host", "slipway.corp.example")
    object.__setattr__(api.services.settings, "app_domain", "apps.corp.example")
    for host in ("corp.example", "*.corp.example", "www.corp.example"):
        refused(owner, OURS, host)
    for host in ("slipway.corp.example", "a.slipway.corp.example", "*.slipway.corp.example", "*.apps.corp.example"):
        owner.problem(422, "POST", OURS, {"host": host})
    dns.records["_slipway.corp.example", "TXT"] = [claims.proof(mark(api, "acme"))]
    owner.post(OURS, {"host": "corp.example"}, status=201)


def test_records_that_nobody_can_look_up_prove_nothing(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    dns.records["_slipway.example.org", "TXT"] = [claims.proof(mark(api, "globex"))]
    for outcome in (Outcome.TIMED_OUT, Outcome.SERVER_FAILED, Outcome.BOGUS):
        dns.fails = outcome
        assert outcome in refused(stranger, THEIRS, "shop.example.org")["detail"]


def test_who_came_between_the_question_and_the_row_is_seen(api: Api, dns: FakeResolver, owner: Caller) -> None:
    """globex saw nobody there; then acme's row was committed."""
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    globex, saw_nobody = api.tenant_id("globex"), domain_claims.Evidence()
    with api.services.db.write(tenant_id=globex) as session, pytest.raises(DomainNotProven):
        domain_claims.settle(session, api.services.settings, globex, "shop.example.org", saw_nobody)


def test_a_viewer_and_a_stranger_to_the_app_cause_no_look_up(
    api: Api, dns: FakeResolver, owner: Caller, stranger: Caller
) -> None:
    owner.post(OURS, {"host": "shop.example.org"}, status=201)
    stranger.problem(404, "POST", OURS, {"host": "shop.example.org"})
    assert dns.asked == []


def test_what_is_remembered_of_a_tenant_is_bounded(api: Api, owner: Caller) -> None:
    acme = api.tenant_id()
    with api.services.db.write(platform="a test changes") as session:
        remember(session, [f"h{number}.example" for number in range(FORMER_PER_TENANT + 2)], acme)
        remember(session, ["last.example"], acme)
        assert len(session.scalars(select(FormerDomain.id)).all()) == FORMER_PER_TENANT
        assert session.scalar(select(FormerDomain.id).filter_by(host="last.example")) is not None
