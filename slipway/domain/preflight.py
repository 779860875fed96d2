"""Our own checks before an authority is asked for a certificate: each failure says which record to set."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from slipway.adapters import acme_directory
from slipway.adapters.certbot.accounts import account_uri
from slipway.adapters.dns.resolver import DnsResolver
from slipway.adapters.linux import own_addresses
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.challenges import RedisChallenges
from slipway.adapters.token_probe import HttpTokenProbe
from slipway.core.certificates.names import is_address
from slipway.core.certificates.preflight import Reply, reachable
from slipway.core.dns import delegation
from slipway.core.dns.answers import Answer, Finding
from slipway.core.dns.caa import Asked, caa_findings
from slipway.core.dns.pointing import pointing
from slipway.core.naming.hosts import Address, is_inside
from slipway.errors import DependencyUnavailable
from slipway.ports.authority import Challenges, TokenProbe
from slipway.ports.dns import Resolver
from slipway.settings import Settings

MOST_ADDRESSES = 6
"""Of one name that are asked: a name with more of them is checked less."""


@dataclass(frozen=True, slots=True)
class Preflight:
    resolver: Resolver
    challenges: Challenges
    probe: TokenProbe
    port: int
    ours: frozenset[Address]
    """The addresses that names have to lead to. Empty: not known."""
    translated: frozenset[Address] = frozenset()
    """Those of `ours` that no interface of this host has."""
    identities: Callable[[], Collection[str]] = field(default=frozenset)
    """By which names CAA records know the authority."""
    account: Callable[[], str] = str
    """By which they know our account there; empty: there is none yet."""
    zone: str = ""
    """The platform's own, to which challenges of dns-01 are delegated."""
    has_plugin: bool = False
    """Whether a plug-in of certbot sets them at a DNS provider instead."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Preflight:
        ours, local = own_addresses.public_addresses(settings), own_addresses.own_addresses()
        return cls(
            resolver=DnsResolver.from_settings(settings),
            challenges=RedisChallenges(work_queue.connect(settings.redis_url)),
            probe=HttpTokenProbe(settings.acme_http_port),
            port=settings.acme_http_port,
            ours=ours,
            translated=frozenset(each for each in ours - local if not each.is_loopback),
            zone=settings.acme_dns_zone,
            has_plugin=bool(settings.acme_dns_plugin),
            identities=lambda: acme_directory.caa_identities(settings.acme_directory, settings.acme_ca_bundle),
            account=lambda: account_uri(settings.certbot_dir, settings.acme_directory),
        )

    def find(self, names: Collection[str], challenge: str, tenant: str) -> Finding | None:
        """The first thing that keeps an authority from issuing for these names; None: nothing that we see. `tenant` is
        the tenant's mark (`core.dns.claims`)."""
        for name in names:
            found = self._reachable(name) if challenge == "http-01" else self._delegated(name, tenant)
            found = found or self._permitted(name, challenge)
            if found:
                return found
        return None

    def _reachable(self, name: str) -> Finding | None:
        if is_address(name):
            return reachable(name, self.port, self._ask(name, [ipaddress.ip_address(name)]), None, self.translated)
        a, aaaa = self.resolver.addresses(name)
        judged = pointing(name, a, aaaa, self.ours)
        finding = next(iter(judged.findings), None)
        return reachable(name, self.port, self._ask(name, _addresses(a, aaaa)), finding, self.translated)

    def _ask(self, name: str, addresses: Sequence[Address]) -> dict[Address, Reply]:
        """Never an address inside this host or its network, unless it is set as ours: whoever adds a domain says where
        it leads."""
        token, answer = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        if not addresses:
            return {}
        try:
            self.challenges.offer(name, token, answer)
            try:
                return {each: self._reply(name, each, token, answer) for each in addresses[:MOST_ADDRESSES]}
            finally:
                self.challenges.withdraw(token)
        except RedisError as error:
            raise DependencyUnavailable(
                "Redis does not answer; nothing was checked.", remedy="try again in a moment"
            ) from error

    def _reply(self, name: str, address: Address, token: str, answer: str) -> Reply:
        if address not in self.ours and is_inside(address):
            return Reply.NOT_ASKED
        return self.probe.ask(name, address, token, answer)

    def _delegated(self, name: str, tenant: str) -> Finding | None:
        if self.has_plugin:
            return None
        if not self.zone:
            return delegation.impossible(name)
        alias = self.resolver.alias(delegation.challenge_name(name))
        return next(iter(delegation.findings(tenant, name, self.zone, alias)), None)

    def _permitted(self, name: str, challenge: str) -> Finding | None:
        if is_address(name):
            return None
        answer = self.resolver.caa(name)
        asked = Asked(self.identities(), challenge, self.account()) if answer.caa else Asked((), challenge)
        return next(iter(caa_findings(name, answer, asked)), None)


def _addresses(*answers: Answer) -> list[Address]:
    return [ipaddress.ip_address(each) for answer in answers for each in answer.values]
