"""Proxies and content delivery networks that stand before a name, by their addresses and by the names they give.

The list need not be complete: a proxy that is not on it is reported as a wrong address, and the remedy is the same, to
lead the name here. The own token, asked for over port 80, tells whether a proxy passes requests on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from slipway.core.naming.hosts import Address

_CLOUDFLARE = (
    *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18", "108.162.192.0/18"),
    *("190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13"),
    *("104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22"),
    *("2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32", "2a06:98c0::/29"),
    "2c0f:f248::/32",
)
"""https://www.cloudflare.com/ips"""
_FASTLY = (
    *("23.235.32.0/20", "43.249.72.0/22", "103.244.50.0/24", "103.245.222.0/23", "103.245.224.0/24", "104.156.80.0/20"),
    *("140.248.64.0/18", "140.248.128.0/17", "146.75.0.0/17", "151.101.0.0/16", "157.52.64.0/18", "167.82.0.0/17"),
    *("167.82.128.0/20", "167.82.160.0/20", "167.82.224.0/20", "172.111.64.0/18", "185.31.16.0/22", "199.27.72.0/21"),
    *("199.232.0.0/16", "2a04:4e40::/32", "2a04:4e42::/32"),
)
"""https://api.fastly.com/public-ip-list"""
_NETWORKS = tuple(
    (ipaddress.ip_network(network), whose)
    for whose, networks in (("Cloudflare", _CLOUDFLARE), ("Fastly", _FASTLY))
    for network in networks
)
_ALIASES = (
    (".cdn.cloudflare.net", "Cloudflare"),
    (".cloudfront.net", "Amazon CloudFront"),
    (".fastly.net", "Fastly"),
    (".akamaiedge.net", "Akamai"),
    (".edgekey.net", "Akamai"),
    (".edgesuite.net", "Akamai"),
    (".azureedge.net", "Azure"),
    (".azurefd.net", "Azure"),
    (".b-cdn.net", "bunny.net"),
    (".incapdns.net", "Imperva"),
    (".sucuri.net", "Sucuri"),
)


def of(addresses: Sequence[Address], aliases: Iterable[str] = ()) -> str:
    """Whose proxy it is that all these addresses, or one of these aliases, belong to; empty: none that is known."""
    by_alias = next((whose for alias in aliases for end, whose in _ALIASES if alias.endswith(end)), "")
    if by_alias:
        return by_alias
    owners = {_owner(each) for each in addresses}
    return owners.pop() if len(owners) == 1 else ""


def _owner(address: Address) -> str:
    found = (whose for network, whose in _NETWORKS if network.version == address.version and address in network)
    return next(found, "")
