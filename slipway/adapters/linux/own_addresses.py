"""The public addresses of this host, as the kernel lists them: where domains have to lead when nobody says otherwise.
Behind a translating router there are none, and the platform's owner names them (SLIPWAY_PUBLIC_ADDRESSES)."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from slipway.core.naming.hosts import Address, is_inside
from slipway.settings import Settings

_IPV4 = Path("/proc/net/fib_trie")
_IPV6 = Path("/proc/net/if_inet6")
_LOCAL = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL")
_GLOBAL_SCOPE = 0
_TEMPORARY, _DEPRECATED, _TENTATIVE = 0x01, 0x20, 0x40


def public_addresses(settings: Settings) -> frozenset[Address]:
    """Where names have to lead: as set, else what this host has. Empty: not known."""
    return frozenset(settings.public_addresses or own_addresses())


def own_addresses(ipv4: Path = _IPV4, ipv6: Path = _IPV6) -> frozenset[Address]:
    """Addresses of this host's interfaces that the internet reaches."""
    found: set[Address] = {IPv4Address(each) for each in _LOCAL.findall(_text(ipv4))}
    found |= {address for line in _text(ipv6).splitlines() if (address := _lasting(line))}
    return frozenset(each for each in found if not is_inside(each))


def _lasting(line: str) -> IPv6Address | None:
    """The address of a line, unless it changes by itself or is on its way out."""
    address, _index, _prefix, scope, flags, *_ = line.split()
    if int(scope, 16) != _GLOBAL_SCOPE or int(flags, 16) & (_TEMPORARY | _DEPRECATED | _TENTATIVE):
        return None
    return IPv6Address(bytes.fromhex(address))


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
