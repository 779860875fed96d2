"""Wildcards without credentials of a DNS provider: `_acme-challenge` of a name is an alias into a zone of the platform,
where its own small server answers what the authority asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from slipway.core.dns.answers import Answer, Finding, Record, unanswered

CHALLENGE = "_acme-challenge"
NOT_DELEGATED, NO_WAY = "dns-not-delegated", "no-dns-challenge"
PLATFORM = "platform"
"""Instead of a tenant's mark: of the platform's own names."""


def challenge_name(name: str) -> str:
    """Where the authority looks: the same for `x` and `*.x`."""
    return f"{CHALLENGE}.{name.removeprefix('*.')}"


def label(tenant: str, name: str) -> str:
    """A tenant's label for a name in the platform's zone, always the same. It is no secret: only the platform writes
    there. Another tenant has another one, so an alias that is left over serves whom it was set for, and nobody else.

    `tenant` is the tenant's mark (`core.dns.claims.tenant_mark`).
    """
    return hashlib.sha256(f"slipway challenge\n{tenant}\n{name.removeprefix('*.')}".encode()).hexdigest()[:32]


def record(tenant: str, name: str, zone: str) -> Record:
    """What is set once at the DNS provider."""
    return Record("CNAME", challenge_name(name), f"{label(tenant, name)}.{zone}")


def findings(tenant: str, name: str, zone: str, cname: Answer) -> tuple[Finding, ...]:
    """What keeps the authority from following the alias. `cname` answers for `challenge_name`."""
    wanted = record(tenant, name, zone)
    if not cname.outcome.is_known:
        return (unanswered(cname),)
    if cname.values[:1] == (wanted.value,):
        return ()
    found = f"it leads to {cname.values[0]}" if cname.values else "it does not exist"
    return (
        Finding(
            NOT_DELEGATED,
            f"a certificate for {name} needs {wanted.name} to be an alias, and {found}",
            f"at the DNS provider, set: {wanted}",
            (wanted,),
        ),
    )


def impossible(name: str) -> Finding:
    """Of a wildcard where nothing is set up that could answer for it."""
    return Finding(
        NO_WAY,
        f"a certificate for {name} is proven through DNS alone, and this installation has no way to do that",
        "the platform's owner sets SLIPWAY_ACME_DNS_ZONE and SLIPWAY_ACME_DNS_LISTEN, or SLIPWAY_ACME_DNS_PLUGIN",
    )


def read_labels(text: str) -> Mapping[str, str]:
    """Name → label, from `written_labels`. Authorities know a wildcard's challenge by the name without `*.`."""
    pairs = (each.partition("=") for each in text.split(",") if each)
    return {name: label for name, _, label in pairs}


def written_labels(labels: Mapping[str, str]) -> str:
    """As an argument of a program."""
    return ",".join(sorted({f"{name.removeprefix('*.')}={label}" for name, label in labels.items()}))
