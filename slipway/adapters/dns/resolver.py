"""Asks recursive resolvers, within a bounded time, and tells apart how a question ended."""

from __future__ import annotations

import logging
from collections.abc import Callable

import dns.edns
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.CAA
import dns.rdtypes.ANY.TXT
import dns.resolver
from dns.nameserver import Do53Nameserver, Nameserver

from slipway.core.dns.answers import Answer, Caa, Outcome
from slipway.settings import Settings, address_of

log = logging.getLogger(__name__)

QUESTION_S = 4.0
"""For one question, with all its retries."""
_TRY_S = 1.5
_PAYLOAD = 1232
"""Of a response by UDP: what passes everywhere without being fragmented."""
_BOGUS = range(5, 13)
"""Extended errors that speak of signatures (RFC 8914): from "DNSSEC Indeterminate" to "NSEC Missing"."""
_MOST_LEVELS = 10
"""So many names up the tree are asked for CAA records, which is more than any that is issued for has."""


class DnsResolver:
    """`slipway.ports.dns.Resolver` on dnspython. Thread-safe: its configuration is never changed."""

    def __init__(self, nameservers: tuple[str, ...] = (), *, question_s: float = QUESTION_S) -> None:
        """`nameservers` as `address` or `address:port`; empty: the system's own (/etc/resolv.conf)."""
        self._resolver = dns.resolver.Resolver(configure=not nameservers)
        if nameservers:
            self._resolver.nameservers = [_nameserver(each) for each in nameservers]
        self._resolver.cache = None
        self._resolver.timeout = min(_TRY_S, question_s)
        self._resolver.lifetime = question_s
        self._resolver.use_edns(0, 0, _PAYLOAD)

    @classmethod
    def from_settings(cls, settings: Settings) -> DnsResolver:
        return cls(settings.dns_resolvers)

    def addresses(self, name: str) -> tuple[Answer, Answer]:
        return self._ask(name, "A", _text), self._ask(name, "AAAA", _text)

    def texts(self, name: str) -> Answer:
        return self._ask(name, "TXT", _joined)

    def alias(self, name: str) -> Answer:
        return self._ask(name, "CNAME", _host)

    def name_servers(self, name: str) -> Answer:
        return self._ask(name, "NS", _host)

    def caa(self, name: str) -> Answer:
        """Climbs by RFC 8659, section 3: a failure on the way up ends it, since the authority would not issue."""
        labels = name.removeprefix("*.").split(".")
        answer = Answer(name, "CAA", Outcome.NO_SUCH_TYPE)
        for start in range(min(len(labels), _MOST_LEVELS)):
            answer = self._ask(".".join(labels[start:]), "CAA", _text)
            if answer.caa or not answer.outcome.is_known:
                break
        return answer

    def _ask(self, name: str, kind: str, read: Callable[[dns.rdata.Rdata], str]) -> Answer:
        try:
            found = self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return Answer(name, kind, Outcome.NO_SUCH_NAME)
        except (dns.resolver.LifetimeTimeout, dns.exception.Timeout):
            return Answer(name, kind, Outcome.TIMED_OUT)
        except dns.resolver.NoNameservers as error:
            return _failed(name, kind, error)
        except (dns.exception.DNSException, OSError) as error:
            log.info("a question was not answered", extra={"name": name, "type": kind, "why": str(error)[:200]})
            return Answer(name, kind, Outcome.SERVER_FAILED, detail=type(error).__name__)
        aliases = tuple(str(rrset[0].target)[:-1] for rrset in found.chaining_result.cnames)
        if found.rrset is None:
            return Answer(name, kind, Outcome.NO_SUCH_TYPE, aliases=aliases)
        caa = tuple(_caa(each) for each in found.rrset) if kind == "CAA" else ()
        values = tuple(sorted(read(each) for each in found.rrset))
        return Answer(name, kind, Outcome.FOUND, values, caa, aliases, name)


def _nameserver(text: str) -> Nameserver:
    address, port = address_of(text) if text.rpartition(":")[2].isdigit() and not _is_bare_ipv6(text) else (text, 53)
    return Do53Nameserver(address.strip("[]"), port)


def _is_bare_ipv6(text: str) -> bool:
    return text.count(":") > 1 and not text.startswith("[")


def _failed(name: str, kind: str, error: dns.resolver.NoNameservers) -> Answer:
    """All servers failed. A validating resolver answers SERVFAIL for wrong signatures too, and newer ones say so."""
    responses = [each[4] for each in error.kwargs.get("errors", ()) if each[4] is not None]
    extended = [each for response in responses for each in response.extended_errors()]
    if any(each.code in _BOGUS for each in extended):
        said = next((each.text for each in extended if each.text), "")
        return Answer(name, kind, Outcome.BOGUS, detail=said[:200])
    codes = sorted({dns.rcode.to_text(response.rcode()) for response in responses})
    return Answer(name, kind, Outcome.SERVER_FAILED, detail=", ".join(codes))


def _text(rdata: dns.rdata.Rdata) -> str:
    return rdata.to_text()


def _host(rdata: dns.rdata.Rdata) -> str:
    return str(rdata.target).rstrip(".").lower()  # type: ignore[attr-defined]


def _joined(rdata: dns.rdata.Rdata) -> str:
    assert isinstance(rdata, dns.rdtypes.ANY.TXT.TXT)  # noqa: S101
    return b"".join(rdata.strings).decode(errors="replace")


def _caa(rdata: dns.rdata.Rdata) -> Caa:
    assert isinstance(rdata, dns.rdtypes.ANY.CAA.CAA)  # noqa: S101
    return Caa(rdata.flags, rdata.tag.decode(errors="replace"), rdata.value.decode(errors="replace"))
