"""Answers to questions about one zone, as bytes to bytes: no sockets here, and nothing that a question could change.

The zone has TXT records that its owner puts there for a moment, and what a zone needs to be one: SOA, NS, and the
addresses of that name server. Whatever is malformed gets an error of its own size, or nothing.

A response by UDP is never much larger than its question, so that nobody can use the server to flood somebody else:
where the answer would be, it says "truncated", and the same question comes by TCP, whose sender is real.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from slipway.core.naming.hosts import Address

Transport = Literal["udp", "tcp"]
Texts = Mapping[str, Sequence[str]]
"""Label, in lower case → values of its TXT records."""

UDP_MOST = 1232
"""Of a response: what passes everywhere without being fragmented."""
TIMES_MOST = 3
"""So many times the question's size a response by UDP has at most."""
_HEADER = 12
_PLAIN_UDP_MOST = 512
_TTL_S = 1
"""Challenges come and go within seconds."""
_OWN_TTL_S = 300
_QR, _OPCODE, _RD, _CD = 0x8000, 0x7800, 0x0100, 0x0010
_TRANSFERS = frozenset({dns.rdatatype.AXFR, dns.rdatatype.IXFR, dns.rdatatype.MAILA, dns.rdatatype.MAILB})


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone, and the addresses at which its name server is reached."""

    name: str
    addresses: tuple[Address, ...] = ()

    @property
    def origin(self) -> dns.name.Name:
        return dns.name.from_text(self.name)

    @property
    def server(self) -> dns.name.Name:
        return dns.name.from_text(f"ns.{self.name}")


def respond(zone: Zone, texts: Texts, wire: bytes, transport: Transport, *, truncated: bool = False) -> bytes | None:
    """The response; None: none at all, as to what is itself a response. `truncated` sends every question to TCP."""
    if len(wire) < _HEADER or _flags(wire) & _QR:
        return None
    if _flags(wire) & _OPCODE:
        return _bare(wire, dns.rcode.NOTIMP)
    query = _parsed(wire)
    if query is None:
        return _bare(wire, dns.rcode.FORMERR)
    response = _response(zone, texts, query)
    if transport == "tcp":
        return response.to_wire(max_size=65535)
    written = b"" if truncated else _within(response, query, len(wire))
    return written or _truncated(query)


def _flags(wire: bytes) -> int:
    return int.from_bytes(wire[2:4], "big")


def _bare(wire: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """A header alone: id, the flags that are to be repeated, the error."""
    flags = _QR | (_flags(wire) & (_OPCODE | _RD | _CD)) | int(rcode)
    return wire[:2] + flags.to_bytes(2, "big") + bytes(8)


def _parsed(wire: bytes) -> dns.message.Message | None:
    """None: it is no question, or more than one, or something stands beside it that belongs to none."""
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, IndexError, NotImplementedError):
        return None
    is_question = len(query.question) == 1 and not query.answer and not query.authority and not query.had_tsig
    return query if is_question else None


def _response(zone: Zone, texts: Texts, query: dns.message.Message) -> dns.message.Message:
    response = _empty(query)
    question = query.question[0]
    if query.edns > 0:
        response.set_rcode(dns.rcode.BADVERS)
    elif (
        question.rdclass != dns.rdataclass.IN
        or question.rdtype in _TRANSFERS
        or not question.name.is_subdomain(zone.origin)
    ):
        response.set_rcode(dns.rcode.REFUSED)
    else:
        response.flags |= dns.flags.AA
        _answer(zone, texts, question, response)
    return response


def _answer(zone: Zone, texts: Texts, question: dns.rrset.RRset, response: dns.message.Message) -> None:
    held = _records(zone, texts, question.name)
    wanted = question.rdtype
    is_any = wanted == dns.rdatatype.ANY  # one kind of them is enough (RFC 8482)
    found = held[:1] if is_any else [each for each in held if each.rdtype == wanted]
    response.answer.extend(found)
    if not found:
        response.authority.append(_soa(zone, zone.origin))
    if not held and question.name != zone.origin:
        response.set_rcode(dns.rcode.NXDOMAIN)


def _records(zone: Zone, texts: Texts, name: dns.name.Name) -> list[dns.rrset.RRset]:
    """All that the name has. Its letters keep their case: resolvers compare it with what they sent."""
    if name == zone.origin:
        server = dns.rrset.from_text(name, _OWN_TTL_S, "IN", "NS", str(zone.server))
        return [_soa(zone, name), server, *_addresses(zone, name)]
    if name == zone.server:
        return _addresses(zone, name)
    relative = name.relativize(zone.origin)
    label = str(relative).lower()
    values = texts.get(label, ()) if len(relative) == 1 else ()
    return [_txt(name, values)] if values else []


def _soa(zone: Zone, name: dns.name.Name) -> dns.rrset.RRset:
    """Nothing copies the zone, so its serial need not grow. That a name is not there is true for a second."""
    content = f"{zone.server} hostmaster.{zone.name}. 1 3600 600 86400 {_TTL_S}"
    return dns.rrset.from_text(name, _TTL_S, "IN", "SOA", content)


def _addresses(zone: Zone, name: dns.name.Name) -> list[dns.rrset.RRset]:
    by_version = {"A": 4, "AAAA": 6}
    found = {kind: [str(each) for each in zone.addresses if each.version == of] for kind, of in by_version.items()}
    return [dns.rrset.from_text_list(name, _OWN_TTL_S, "IN", kind, each) for kind, each in found.items() if each]


def _txt(name: dns.name.Name, values: Sequence[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(name, _TTL_S, "IN", "TXT", [f'"{value}"' for value in values])


def _within(response: dns.message.Message, query: dns.message.Message, asked: int) -> bytes:
    """Empty: it is larger than what may be sent."""
    most = max(_PLAIN_UDP_MOST, min(query.payload, UDP_MOST)) if query.edns >= 0 else _PLAIN_UDP_MOST
    try:
        written: bytes = response.to_wire(max_size=most)
    except dns.exception.TooBig:
        return b""
    return written if len(written) <= TIMES_MOST * asked else b""


def _truncated(query: dns.message.Message) -> bytes:
    """The question again, no larger than it came."""
    response = _empty(query)
    response.flags |= dns.flags.TC
    return response.to_wire()


def _empty(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    if response.edns >= 0:
        response.use_edns(0, payload=UDP_MOST)
    return response
