"""Which certificates the hosts want: one for each, so that no host waits for another, or shows another's name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from slipway.core.certificates.names import challenge_for, key_of, why_none


@dataclass(frozen=True, slots=True)
class Host:
    """A host that leads to an app, or to the platform itself (then both are None)."""

    name: str
    tenant_id: int | None = None
    app_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    names: tuple[str, ...]
    challenge: str
    tenant_id: int | None
    app_id: int | None

    @property
    def key(self) -> str:
        return key_of(self.names)


def wanted_of(hosts: Iterable[Host], *, own_authority: bool) -> dict[str, Wanted]:
    """By key. The platform's own hosts come first: nobody else gets them."""
    found: dict[str, Wanted] = {}
    for host in sorted(hosts, key=lambda each: each.tenant_id is not None):
        if not why_none(host.name, own_authority=own_authority):
            each = Wanted((host.name,), challenge_for([host.name]), host.tenant_id, host.app_id)
            found.setdefault(each.key, each)
    return found
