"""certbot's plug-in `slipway-dns`: the platform's own zone answers for names that are delegated to it (dns-01).

`_acme-challenge` of each name is an alias of a label in that zone (core/dns/delegation.py). The plug-in writes the
value to Redis, and waits until the responder answers it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
from acme import challenges
from certbot import achallenges, errors, interfaces
from certbot.plugins import common
from redis.exceptions import RedisError

from slipway import settings
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.challenges import DnsChallenges
from slipway.core.dns import delegation
from slipway.settings import address_of

ANSWERED_WITHIN_S = 20.0
_ASK_S = 2.0
_PAUSE_S = 0.1
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is asked, not what listens


class DnsAuthenticator(common.Plugin, interfaces.Authenticator):
    """Its one argument is no secret: everybody sees the labels in DNS."""

    description = "Slipway's own DNS zone answers the authority"

    @classmethod
    def add_parser_arguments(cls, add: Callable[..., None]) -> None:
        add("labels", default="", help="name=label,… : which label of the zone each name's challenge is an alias of")

    def prepare(self) -> None:
        self._settings = settings.load()
        self._challenges = DnsChallenges(work_queue.connect(self._settings.redis_url))
        self._labels = delegation.read_labels(self.conf("labels") or "")

    def more_info(self) -> str:
        return self.description

    def get_chall_pref(self, _identifier: str) -> Iterable[type[challenges.Challenge]]:
        return [challenges.DNS01]

    def perform(self, achalls: list[achallenges.AnnotatedChallenge]) -> list[challenges.ChallengeResponse]:
        try:
            for each in achalls:
                self._challenges.add(self._label(each), _value(each))
        except RedisError as error:
            raise errors.PluginError(f"Redis does not answer: {error}") from error
        for each in achalls:
            self._await(self._label(each), _value(each))
        return [each.response(each.account_key) for each in achalls]

    def cleanup(self, achalls: list[achallenges.AnnotatedChallenge]) -> None:
        try:
            for each in achalls:
                self._challenges.remove(self._label(each), _value(each))
        except RedisError as error:
            raise errors.PluginError(f"Redis does not answer: {error}") from error

    def _label(self, challenge: Any) -> str:
        name = challenge.identifier.value
        if name not in self._labels:
            raise errors.PluginError(f"{name} has no label in {self._settings.acme_dns_zone}")
        return self._labels[name]

    def _await(self, label: str, value: str) -> None:
        """An authority that asked too early would count it as a failure. Without a responder of ours the zone is
        somebody else's to answer, who follows Redis by other means."""
        listen = self._settings.acme_dns_listen
        name = f"{label}.{self._settings.acme_dns_zone}"
        deadline = time.monotonic() + ANSWERED_WITHIN_S
        while listen and value not in _answered(listen, name):
            if time.monotonic() > deadline:
                raise errors.PluginError(f"the DNS server at {listen} does not answer {name}")
            time.sleep(_PAUSE_S)


def _value(challenge: Any) -> str:
    return str(challenge.validation(challenge.account_key))


def _answered(listen: str, name: str) -> set[str]:
    host, port = address_of(listen)
    query = dns.message.make_query(name, dns.rdatatype.TXT)
    try:
        response, _ = dns.query.udp_with_fallback(query, _ANYWHERE.get(host, host), timeout=_ASK_S, port=port)
    except (dns.exception.DNSException, OSError):
        return set()
    return {b"".join(each.strings).decode() for rrset in response.answer for each in rrset}
