"""Wildcards without credentials of a DNS provider: `_acme-challenge` of a name is an alias into a zone of the platform,
where its own small server answers what the authority asks for."""

from __future__ import annotations

import hashlib

from slipway.core.dns.answers import Answer, Finding, Record, unanswered

CHALLENGE = "_acme-challenge"
NOT_DELEGATED = "dns-not-delegated"


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
