"""Does a name lead to this host? Every address counts: one that is left over from before fails some visitors, and the
authority, which may use any of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from slipway.core.dns import proxies
from slipway.core.dns.answers import Answer, Finding, Outcome, Record, unanswered
from slipway.core.naming.hosts import Address

NOT_HERE, PARTLY_HERE, NO_ADDRESS, OWN_ADDRESSES_UNKNOWN = (
    "dns-not-here",
    "dns-partly-here",
    "dns-no-address",
    "own-addresses-unknown",
)


@dataclass(frozen=True, slots=True)
class Pointing:
    """Where a name leads. `findings` are empty when it leads to this host, or to a proxy that may."""

    findings: tuple[Finding, ...] = ()
    proxy: str = ""
    """Whose proxy or CDN stands before the name; what it passes on, a request for a token of our own tells."""

    @property
    def is_here(self) -> bool:
        return not self.findings and not self.proxy


def pointing(name: str, a: Answer, aaaa: Answer, ours: Collection[Address]) -> Pointing:
    """Judge a name's addresses by what the host has. A wildcard is judged by a name below it that nobody has set."""
    unknown = next((each for each in (a, aaaa) if not each.outcome.is_known), None)
    if unknown is not None:
        return Pointing((unanswered(unknown),))
    found = _addresses(a) + _addresses(aaaa)
    wrong = [each for each in found if each not in ours]
    if found and not wrong:
        return Pointing()
    proxy = proxies.of(wrong, (*a.aliases, *aaaa.aliases))
    if proxy:
        return Pointing(proxy=proxy)
    if not ours:
        return Pointing((_own_unknown(name),))
    return Pointing((_missing(name, a, ours),) if not found else (_wrong(name, found, wrong, ours),))


def records_for(name: str, ours: Collection[Address]) -> tuple[Record, ...]:
    """What leads a name to this host."""
    return tuple(Record(_type(each), name, str(each)) for each in _sorted(ours))


def _missing(name: str, a: Answer, ours: Collection[Address]) -> Finding:
    why = "does not exist in DNS" if a.outcome is Outcome.NO_SUCH_NAME else "has no address in DNS"
    if a.aliases:
        why = f"is an alias (CNAME) of {a.aliases[-1]}, which has no address"
        return Finding(NO_ADDRESS, f"{name} {why}", _set(name, ours, "instead of the CNAME"), records_for(name, ours))
    return Finding(NO_ADDRESS, f"{name} {why}", _set(name, ours), records_for(name, ours))


def _wrong(name: str, found: Sequence[Address], wrong: Sequence[Address], ours: Collection[Address]) -> Finding:
    """The classic: A was changed, and AAAA still leads to where the site was before."""
    families = {each.version for each in found if each in ours}
    missing = tuple(each for each in _sorted(ours) if each.version not in families)
    needed = tuple(each for each in missing if any(other.version == each.version for other in wrong))
    removed = tuple(Record(_type(each), name, str(each)) for each in wrong)
    listed = ", ".join(f"{record.type} {record.value}" for record in removed)
    if families:
        remedy = f"at the DNS provider, remove: {'; '.join(str(record) for record in removed)}"
        if needed:
            remedy += f"; or set it to: {'; '.join(str(each) for each in records_for(name, needed))}"
        detail = f"{name} leads to this host, and elsewhere too: {listed}"
        return Finding(PARTLY_HERE, detail, remedy, records_for(name, needed), removed)
    ways = records_for(name, needed or ours)
    return Finding(
        NOT_HERE, f"{name} leads elsewhere: {listed}", _set(name, ours, f"instead of {listed}"), ways, removed
    )


def _own_unknown(name: str) -> Finding:
    return Finding(
        OWN_ADDRESSES_UNKNOWN,
        f"whether {name} leads to this host is unknown: nobody says which public addresses this host has",
        "the platform's owner sets SLIPWAY_PUBLIC_ADDRESSES to the addresses that names have to lead to",
    )


def _set(name: str, ours: Collection[Address], how: str = "") -> str:
    records = "; ".join(str(each) for each in records_for(name, ours))
    return f"at the DNS provider, set{f' {how}' if how else ''}: {records}"


def _addresses(answer: Answer) -> list[Address]:
    return [ipaddress.ip_address(each) for each in answer.values]


def _sorted(addresses: Collection[Address]) -> list[Address]:
    return sorted(addresses, key=lambda each: (each.version, int(each)))


def _type(address: Address) -> str:
    return "A" if address.version == 4 else "AAAA"
