from __future__ import annotations

from datetime import UTC, datetime, timedelta

from slipway.core.dns import claims, delegation
from slipway.core.dns.answers import Answer, Outcome
from tests.unit.core.dns.answering import found, nothing

SINCE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ACME = claims.tenant_mark(7, SINCE)


def test_a_tenants_mark_is_its_own_also_where_ids_come_again() -> None:
    assert claims.tenant_mark(7, SINCE) == ACME
    assert len({ACME, claims.tenant_mark(8, SINCE), claims.tenant_mark(7, SINCE + timedelta(microseconds=1))}) == 3


def test_the_record_stands_at_the_host_or_above_it_and_never_above_the_registered_domain() -> None:
    assert claims.proof_names("a.b.example.co.uk", "example.co.uk") == (
        "_slipway.a.b.example.co.uk",
        "_slipway.b.example.co.uk",
        "_slipway.example.co.uk",
    )
    assert claims.proof_names("*.example.co.uk", "example.co.uk") == ("_slipway.example.co.uk",)
    assert claims.proof_names("example.co.uk", "example.co.uk") == ("_slipway.example.co.uk",)


def test_a_deep_host_costs_few_questions_and_the_registered_domain_is_among_them() -> None:
    names = claims.proof_names("a.b.c.d.e.f.g.example.com", "example.com")
    assert len(names) == 4
    assert names[0] == "_slipway.a.b.c.d.e.f.g.example.com"
    assert names[-1] == "_slipway.example.com"


def test_only_the_tenants_own_mark_proves_and_others_beside_it_do_no_harm() -> None:
    other = claims.proof(claims.tenant_mark(8, SINCE))
    assert claims.is_proven([nothing("TXT"), found("TXT", "v=spf1 -all", other, claims.proof(ACME))], ACME)
    assert not claims.is_proven([found("TXT", other)], ACME)
    assert not claims.is_proven([found("TXT", claims.proof(ACME) + "0")], ACME)
    assert not claims.is_proven([Answer("x", "TXT", Outcome.TIMED_OUT, (claims.proof(ACME),))], ACME)
    assert not claims.is_proven([], ACME)


def test_a_challenges_alias_is_one_tenants_and_the_same_for_a_wildcard() -> None:
    ours = delegation.record(ACME, "*.shop.example", "acme.platform.example")
    assert ours.name == "_acme-challenge.shop.example"
    assert ours == delegation.record(ACME, "shop.example", "acme.platform.example")
    assert ours.value != delegation.record(claims.tenant_mark(8, SINCE), "shop.example", "acme.platform.example").value
    first_label = ours.value.split(".")[0]
    assert len(first_label) <= 63


def test_a_challenges_alias_that_leads_elsewhere_or_is_missing_says_which_to_set() -> None:
    zone = "acme.platform.example"
    right = delegation.record(ACME, "shop.example", zone)
    assert delegation.findings(ACME, "*.shop.example", zone, found("CNAME", right.value)) == ()
    for answer in (nothing("CNAME"), nothing("CNAME", Outcome.NO_SUCH_NAME), found("CNAME", "old.other.example")):
        finding = delegation.findings(ACME, "*.shop.example", zone, answer)[0]
        assert finding.code == delegation.NOT_DELEGATED
        assert finding.set_records == (right,)
        assert str(right) in finding.remedy
    assert delegation.findings(ACME, "shop.example", zone, nothing("CNAME", Outcome.TIMED_OUT))[0].passes
