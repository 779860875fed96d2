from __future__ import annotations

from ipaddress import ip_address

import pytest

from slipway.core.dns.answers import Answer, Outcome, Record
from slipway.core.dns.pointing import NO_ADDRESS, NOT_HERE, OWN_ADDRESSES_UNKNOWN, PARTLY_HERE, Pointing, pointing
from tests.unit.core.dns.answering import found, nothing

HERE_4, HERE_6 = "198.51.100.7", "2001:db8::7"
OURS = frozenset({ip_address(HERE_4), ip_address(HERE_6)})
ONLY_4 = frozenset({ip_address(HERE_4)})
NO_AAAA = nothing("AAAA")


def judge(a: Answer, aaaa: Answer = NO_AAAA, ours: frozenset = OURS) -> Pointing:
    return pointing("shop.example", a, aaaa, ours)


@pytest.mark.parametrize(
    ("a", "aaaa"),
    [
        (found("A", HERE_4), found("AAAA", HERE_6)),
        (found("A", HERE_4), NO_AAAA),
        (nothing("A"), found("AAAA", "2001:0DB8::0007")),
        (found("A", HERE_4, aliases=("apps.example",)), NO_AAAA),
    ],
)
def test_a_name_all_of_whose_addresses_are_ours_is_here(a: Answer, aaaa: Answer) -> None:
    assert judge(a, aaaa).is_here


def test_one_address_of_ipv6_that_is_left_over_is_wrong_and_is_to_be_removed_or_set_to_ours() -> None:
    finding = judge(found("A", HERE_4), found("AAAA", "2001:db8::bad")).findings[0]
    assert finding.code == PARTLY_HERE
    assert finding.remove_records == (Record("AAAA", "shop.example", "2001:db8::bad"),)
    assert finding.set_records == (Record("AAAA", "shop.example", HERE_6),)
    assert "remove: type AAAA, name shop.example, value 2001:db8::bad" in finding.remedy
    assert f"set it to: type AAAA, name shop.example, value {HERE_6}" in finding.remedy


def test_where_we_have_no_ipv6_the_left_over_address_can_only_be_removed() -> None:
    finding = judge(found("A", HERE_4), found("AAAA", "2001:db8::bad"), ONLY_4).findings[0]
    assert (finding.code, finding.set_records) == (PARTLY_HERE, ())
    assert "set" not in finding.remedy


def test_a_second_address_of_the_same_kind_is_to_be_removed() -> None:
    finding = judge(found("A", HERE_4, "192.0.2.1")).findings[0]
    assert (finding.code, finding.set_records) == (PARTLY_HERE, ())
    assert finding.remove_records == (Record("A", "shop.example", "192.0.2.1"),)


def test_a_name_that_leads_elsewhere_says_which_records_lead_here() -> None:
    finding = judge(found("A", "192.0.2.1")).findings[0]
    assert finding.code == NOT_HERE
    assert f"type A, name shop.example, value {HERE_4}; type AAAA, name shop.example, value {HERE_6}" in finding.remedy
    assert "instead of A 192.0.2.1" in finding.remedy


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (nothing("A", Outcome.NO_SUCH_NAME), "does not exist"),
        (nothing("A"), "has no address"),
        (nothing("A", aliases=("gone.example",)), "alias (CNAME) of gone.example"),
    ],
)
def test_a_name_without_an_address_says_what_is_missing(answer: Answer, sentence: str) -> None:
    finding = judge(answer, nothing("AAAA", answer.outcome, answer.aliases)).findings[0]
    assert finding.code == NO_ADDRESS
    assert sentence in finding.detail
    assert f"type A, name shop.example, value {HERE_4}" in finding.remedy


@pytest.mark.parametrize("outcome", [Outcome.SERVER_FAILED, Outcome.BOGUS, Outcome.TIMED_OUT])
def test_an_address_that_nobody_can_look_up_is_no_pass_and_is_tried_again(outcome: Outcome) -> None:
    """A is right, AAAA is not known: an authority with IPv6 would fail."""
    finding = judge(found("A", HERE_4), nothing("AAAA", outcome)).findings[0]
    assert (finding.code, finding.passes) == (f"dns-{outcome}", True)


def test_a_proxy_is_named_by_its_addresses_or_by_its_aliases() -> None:
    assert judge(found("A", "104.16.1.1", "172.64.1.1"), found("AAAA", "2606:4700::1")).proxy == "Cloudflare"
    assert judge(found("A", "192.0.2.1", aliases=("d111.cloudfront.net",))).proxy == "Amazon CloudFront"
    assert not judge(found("A", "104.16.1.1")).is_here


def test_a_proxys_address_beside_a_strangers_is_wrong() -> None:
    assert judge(found("A", "104.16.1.1", "192.0.2.1")).findings[0].code == NOT_HERE


def test_without_knowing_our_own_addresses_nothing_passes() -> None:
    finding = judge(found("A", HERE_4), ours=frozenset()).findings[0]
    assert finding.code == OWN_ADDRESSES_UNKNOWN
    assert "SLIPWAY_PUBLIC_ADDRESSES" in finding.remedy
