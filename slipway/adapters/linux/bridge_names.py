"""The names of tenants' networks and bridges: what the runtime makes, and what the firewall matches."""

from __future__ import annotations

import hashlib


def bridge_prefix(instance: str) -> str:
    """What the names of all bridges of an installation begin with: the firewall matches `<prefix>+`."""
    return "slw" + _digest(instance, 4)


def bridge_name(instance: str, tenant: str) -> str:
    """A tenant's bridge interface: 15 characters, as long as Linux allows."""
    return bridge_prefix(instance) + _digest(tenant, 8)


def network_name(instance: str, tenant: str) -> str:
    return f"{instance}-{tenant}"


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
