"""Which addresses lead into this host or its network, and which names are hosts at all."""

from __future__ import annotations

import ipaddress

import pytest

from slipway.core.naming import hosts
from slipway.errors import InvalidInput

INSIDE = [
    *(
        "0.0.0.0",
        "0.1.2.3",
        "10.255.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
    ),
    *(
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.0.1",
    ),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b::a00:1", "64:ff9b:1::808:808", "100::1", "2001::1", "2001:0:4136::1", "2001:db8::1", "2002:808:808::1"),
    *("3fff::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1"),
]
OUTSIDE = [
    *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"),
    *("172.15.255.255", "172.32.0.0", "192.169.0.0", "223.255.255.255", "2606:4700::1111", "2001:4860::8888"),
    *("2a00::1", "64:ff9b::808:808", "2003::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_recognised(address: str) -> None:
    assert hosts.is_inside(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_in_the_internet_is_none_inside(address: str) -> None:
    assert not hosts.is_inside(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("GitHub.COM", "github.com"),
        ("github.com.", "github.com"),
        ("Bu\u0308cher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("8.8.8.8", "8.8.8.8"),
        ("[2606:4700:0:0:0:0:0:1111]", "2606:4700::1111"),
        ("1.example", "1.example"),
    ],
)
def test_a_host_has_one_spelling(text: str, host: str) -> None:
    assert hosts.canonical(text) == host


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "a_b", "-a", "xn--a", "\u212aelvin", "a" * 64, "a." * 127 + "a", "2606::1", "8.8.8", "\ud800"],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        hosts.canonical(text)
