"""Which names may be certified, and which certificates hosts want."""

from __future__ import annotations

import pytest

from slipway.core.certificates.names import challenge_for, key_of, names_of, registered_domain, why_none
from slipway.core.certificates.wanted import Host, wanted_of


@pytest.mark.parametrize("name", ["shop.example.org", "*.shop.example.org", "xn--bcher-kva.example.org", "8.8.8.8"])
def test_public_names(name: str) -> None:
    assert why_none(name, own_authority=False) == ""


@pytest.mark.parametrize("name", ["localhost", "shop.localhost", "intranet", "x.invalid"])
def test_names_of_one_machine_are_certified_by_nobody(name: str) -> None:
    assert why_none(name, own_authority=False)
    assert why_none(name, own_authority=True)


@pytest.mark.parametrize("name", ["nas.local", "a.internal", "shop.test", "10.0.0.7", "fe80::1"])
def test_names_inside_are_certified_by_an_authority_of_ones_own(name: str) -> None:
    assert why_none(name, own_authority=False)
    assert why_none(name, own_authority=True) == ""


def test_one_key_for_one_set_of_names() -> None:
    assert key_of(["b.example", "a.example"]) == key_of(["a.example", "b.example"])
    assert names_of(key_of(["b.example", "a.example"])) == ["a.example", "b.example"]


def test_a_wildcard_is_proven_through_dns() -> None:
    assert challenge_for(["*.example.org"]) == "dns-01"
    assert challenge_for(["example.org"]) == "http-01"


def test_an_address_is_its_own_registered_domain() -> None:
    assert registered_domain("192.0.2.7") == "192.0.2.7"
    assert registered_domain("*.a.example.co.uk") == "example.co.uk"


def test_each_host_wants_one_and_the_platforms_own_come_first() -> None:
    hosts = [Host("shop.example.org", 7, 3), Host("slipway.example.org"), Host("slipway.example.org", 9, 4)]

    wanted = wanted_of(hosts, own_authority=False)

    assert {each.key: each.tenant_id for each in wanted.values()} == {
        "shop.example.org": 7,
        "slipway.example.org": None,
    }
