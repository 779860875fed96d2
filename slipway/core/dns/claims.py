"""Whose is a domain? Nobody has to prove it while no other tenant is there. Where one is, or was lately, at any name
below the same registered domain, a TXT record shows who holds the domain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from slipway.core.dns.answers import Answer, Outcome, Record

PROOF = "_slipway"
LATELY = timedelta(days=365)
"""So long a domain that a tenant gave up is not another's without proof: its records may still lead here."""
_MOST_NAMES = 4


def tenant_mark(tenant_id: int, created_at: datetime) -> str:
    """What stands for a tenant in records: the same for ever, and for no other one, also where ids come again."""
    since = int(created_at.timestamp() * 1_000_000)
    return hashlib.sha256(f"slipway tenant\n{tenant_id}\n{since}".encode()).hexdigest()[:32]


def proof(mark: str) -> str:
    """The value of the TXT record."""
    return f"slipway-domain={mark}"


def record(host: str, mark: str) -> Record:
    """What a tenant sets to show that a host is theirs."""
    return Record("TXT", f"{PROOF}.{host.removeprefix('*.')}", proof(mark))


def proof_names(host: str, registered: str) -> tuple[str, ...]:
    """Where the record may stand: at the host itself, or at a name above it, up to the registered domain. Who may
    write there may also lead the host anywhere. At most four are asked: the nearest ones, and the registered domain."""
    labels = host.removeprefix("*.").split(".")
    depth = len(registered.split("."))
    above = [".".join(labels[start:]) for start in range(max(1, len(labels) - depth + 1))]
    asked = above if len(above) <= _MOST_NAMES else [*above[: _MOST_NAMES - 1], above[-1]]
    return tuple(f"{PROOF}.{each}" for each in asked)


def is_proven(answers: Iterable[Answer], mark: str) -> bool:
    """Whether one of the records is there. Others beside it do no harm: several tenants may hold parts of a domain."""
    return any(each.outcome is Outcome.FOUND and proof(mark) in each.values for each in answers)
