from __future__ import annotations

import dns.edns
import dns.rcode
import pytest

from slipway.adapters.dns.resolver import DnsResolver
from slipway.core.dns.answers import Caa, Outcome
from tests.fixtures.name_server import SILENT, NameServer


@pytest.fixture
def resolver(server: NameServer) -> DnsResolver:
    return DnsResolver((server.address,), question_s=5.0)


def test_the_records_of_a_name(server: NameServer, resolver: DnsResolver) -> None:
    server.records |= {
        ("shop.example", "A"): ["192.0.2.7", "192.0.2.1"],
        ("shop.example", "AAAA"): ["2001:db8::7"],
        ("shop.example", "NS"): ["NS1.Example."],
        ("_slipway.shop.example", "TXT"): ['"two " "strings"', '"one"'],
    }
    a, aaaa = resolver.addresses("shop.example")
    assert (a.outcome, a.values, aaaa.values) == (Outcome.FOUND, ("192.0.2.1", "192.0.2.7"), ("2001:db8::7",))
    assert resolver.texts("_slipway.shop.example").values == ("one", "two strings")
    assert resolver.name_servers("shop.example").values == ("ns1.example",)


def test_aliases_are_followed_and_named(server: NameServer, resolver: DnsResolver) -> None:
    server.records |= {
        ("www.example", "CNAME"): ["shop.example."],
        ("shop.example", "CNAME"): ["edge.cdn.example."],
        ("edge.cdn.example", "A"): ["192.0.2.7"],
    }
    a, aaaa = resolver.addresses("www.example")
    assert (a.values, a.aliases) == (("192.0.2.7",), ("shop.example", "edge.cdn.example"))
    assert (aaaa.outcome, aaaa.aliases) == (Outcome.NO_SUCH_TYPE, ("shop.example", "edge.cdn.example"))
    assert resolver.alias("www.example").values == ("shop.example",)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (dns.rcode.SERVFAIL, Outcome.SERVER_FAILED),
        (dns.rcode.REFUSED, Outcome.SERVER_FAILED),
        (dns.edns.EDECode.SIGNATURE_EXPIRED, Outcome.BOGUS),
        (dns.edns.EDECode.DNSSEC_BOGUS, Outcome.BOGUS),
        (dns.edns.EDECode.NETWORK_ERROR, Outcome.SERVER_FAILED),
    ],
)
def test_failures_are_distinguished(
    server: NameServer, resolver: DnsResolver, said: dns.rcode.Rcode | dns.edns.EDECode, outcome: Outcome
) -> None:
    server.records["shop.example", "A"] = said
    assert resolver.addresses("shop.example")[0].outcome == outcome


def test_a_name_that_is_not_there_and_one_that_has_other_records(server: NameServer, resolver: DnsResolver) -> None:
    server.records["shop.example", "TXT"] = ['"x"']
    assert resolver.addresses("shop.example")[0].outcome == Outcome.NO_SUCH_TYPE
    assert resolver.addresses("gone.example")[0].outcome == Outcome.NO_SUCH_NAME


def test_a_server_that_does_not_answer_costs_a_bounded_time(server: NameServer) -> None:
    server.records["shop.example", "TXT"] = SILENT
    assert DnsResolver((server.address,), question_s=0.3).texts("shop.example").outcome == Outcome.TIMED_OUT


def test_a_server_that_is_not_there(server: NameServer) -> None:
    nobody = DnsResolver(("127.0.0.1:1",), question_s=0.3)
    assert not nobody.texts("shop.example").outcome.is_known


@pytest.mark.parametrize("name", ["a..example", "x" * 64 + ".example", "ü.example", ".", "a" * 300])
def test_what_is_no_name_is_answered_too(resolver: DnsResolver, name: str) -> None:
    assert resolver.texts(name).values == ()


def test_caa_records_of_the_nearest_name_above_hold(server: NameServer, resolver: DnsResolver) -> None:
    server.records |= {
        ("example", "CAA"): ['0 issue "far.example"'],
        ("shop.example", "CAA"): ['0 issue "ca.example; validationmethods=dns-01"', '128 tbs "x"'],
        ("a.b.shop.example", "A"): ["192.0.2.7"],
    }
    answer = resolver.caa("*.a.b.shop.example")
    assert set(answer.caa) == {Caa(0, "issue", "ca.example; validationmethods=dns-01"), Caa(128, "tbs", "x")}
    assert answer.holder == "shop.example"
    asked = [name for name, kind in server.asked if kind == "CAA"]
    assert asked == ["a.b.shop.example", "b.shop.example", "shop.example"]


def test_a_failure_on_the_way_up_is_no_permission(server: NameServer, resolver: DnsResolver) -> None:
    server.records |= {
        ("shop.example", "CAA"): dns.rcode.SERVFAIL,
        ("example", "CAA"): ['0 issue "ca.example"'],
        ("a.shop.example", "A"): ["192.0.2.7"],
    }
    assert resolver.caa("a.shop.example").outcome == Outcome.SERVER_FAILED


def test_without_caa_records_up_to_the_top_there_are_none(server: NameServer, resolver: DnsResolver) -> None:
    server.records["shop.example", "A"] = ["192.0.2.7"]
    answer = resolver.caa("shop.example")
    assert (answer.outcome, answer.caa) == (Outcome.NO_SUCH_NAME, ())
    assert server.asked[-1] == ("example", "CAA")
