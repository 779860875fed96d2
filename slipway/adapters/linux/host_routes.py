"""The networks that this host reaches already: a tenant's network must not take their addresses."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

_ROUTES = Path("/proc/net/route")


def host_routes(table: Path = _ROUTES) -> list[IPv4Network]:
    """The networks that this host has routes to, the default route left out."""
    found = []
    for line in table.read_text().splitlines()[1:] if table.exists() else []:
        _, destination, _, _, _, _, _, mask, *_ = line.split()
        prefix = int(mask, 16).bit_count()
        if prefix:
            found.append(IPv4Network((int.from_bytes(bytes.fromhex(destination), "little"), prefix)))
    return found
