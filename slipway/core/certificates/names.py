"""The names of a certificate: hosts in ASCII, wildcards, IP addresses."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from slipway.core.naming import hosts, public_suffixes

WILDCARD = "*."
_SEPARATOR = ","
_NEVER = ("localhost", "invalid")
_INSIDE = ("local", "internal", "home.arpa", "onion", "test", "example", "lan", "intranet")
"""Names that resolve on no public server (RFC 6761, 6762, 8375, and what ICANN keeps out): a public authority refuses
them, one of one's own may know them."""


def key_of(names: Collection[str]) -> str:
    """One text for one set of names."""
    return _SEPARATOR.join(sorted(names))


def names_of(key: str) -> list[str]:
    return key.split(_SEPARATOR)


def is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def challenge_for(names: Collection[str]) -> str:
    """A wildcard is proven through DNS alone."""
    return "dns-01" if any(name.startswith(WILDCARD) for name in names) else "http-01"


def registered_domain(name: str) -> str:
    """What authorities count certificates by: what somebody registered. An address is its own."""
    return name if is_address(name) else public_suffixes.registered_domain(name)


def why_none(name: str, *, own_authority: bool) -> str:
    """Why no authority would certify the name; empty: one may. `own_authority`: it is none of the public ones."""
    if is_address(name):
        inside = hosts.names_inside(name)
        return f"{name} is an address that is not public" if inside and not own_authority else ""
    host = name.removeprefix(WILDCARD)
    if "." not in host or _is_below(host, _NEVER):
        return f"{host} is a name of this machine alone"
    if _is_below(host, _INSIDE) and not own_authority:
        return f"{host} is no public name"
    return ""


def _is_below(host: str, suffixes: Collection[str]) -> bool:
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)
