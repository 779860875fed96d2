"""The zone's answers, and what hostile questions get."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.update
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.adapters.dns.zone import TIMES_MOST, UDP_MOST, Transport, Zone, respond

ZONE = Zone("acme.platform.example", (ip_address("198.51.100.7"), ip_address("2001:db8::7")))
LABEL, TOKEN = "ab" * 16, "x" * 43
TEXTS = {
    LABEL: [TOKEN, "y" * 43],
    "some": [f"{number:043}" for number in range(5)],
    "many": [f"{number:043}" for number in range(60)],
}


def ask(name: str, kind: str = "TXT", transport: Transport = "udp", *, edns: bool = True) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=0 if edns else -1)
    return answered(query.to_wire(), transport)


def answered(wire: bytes, transport: Transport = "udp") -> dns.message.Message:
    response = respond(ZONE, TEXTS, wire, transport)
    assert response is not None
    return dns.message.from_wire(response)


def values(message: dns.message.Message) -> list[str]:
    return [str(each).strip('"') for rrset in message.answer for each in rrset]


def test_both_challenges_of_a_label_are_answered_with_authority() -> None:
    response = ask(f"{LABEL}.acme.platform.example")
    assert sorted(values(response)) == [TOKEN, "y" * 43]
    assert response.flags & dns.flags.AA
    assert not response.flags & dns.flags.RA


def test_a_name_is_found_in_any_case_and_answered_in_the_case_that_was_asked() -> None:
    name = f"{LABEL.upper()}.ACME.platform.EXAMPLE."
    response = ask(name)
    assert str(response.question[0].name) == name
    assert str(response.answer[0].name) == name


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("acme.platform.example", "NS", ["ns.acme.platform.example."]),
        ("ns.acme.platform.example", "A", ["198.51.100.7"]),
        ("ns.acme.platform.example", "AAAA", ["2001:db8::7"]),
    ],
)
def test_what_a_zone_needs_to_be_delegated(name: str, kind: str, found: list[str]) -> None:
    assert values(ask(name, kind)) == found
    assert str(ask("acme.platform.example", "SOA").answer[0][0]).startswith("ns.acme.platform.example.")


def test_what_is_not_there_is_so_for_a_second() -> None:
    for name, kind, rcode in (
        (f"{LABEL}.acme.platform.example", "A", dns.rcode.NOERROR),
        ("acme.platform.example", "MX", dns.rcode.NOERROR),
        ("gone.acme.platform.example", "TXT", dns.rcode.NXDOMAIN),
        (f"a.{LABEL}.acme.platform.example", "TXT", dns.rcode.NXDOMAIN),
    ):
        response = ask(name, kind)
        assert (response.rcode(), response.answer) == (rcode, [])
        assert response.authority[0].ttl == response.authority[0][0].minimum == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [("platform.example", "TXT"), ("example.com", "A"), (".", "NS"), ("acme.platform.example", "AXFR")],
)
def test_it_knows_no_other_zone_and_copies_none(name: str, kind: str) -> None:
    response = ask(name, kind)
    assert (response.rcode(), response.answer, response.authority) == (dns.rcode.REFUSED, [], [])


def test_another_class_is_refused() -> None:
    assert answered(dns.message.make_query("version.bind", "TXT", "CH").to_wire()).rcode() == dns.rcode.REFUSED


def test_an_update_of_the_zone_is_not_implemented_and_changes_nothing() -> None:
    update = dns.update.UpdateMessage("acme.platform.example")
    update.add(LABEL, 1, "TXT", "evil")
    response = respond(ZONE, TEXTS, update.to_wire(), "tcp")
    assert response is not None
    assert response[3] & 15 == dns.rcode.NOTIMP
    assert "evil" not in str(ask(f"{LABEL}.acme.platform.example"))


def test_a_response_is_never_answered_so_that_two_servers_do_not_talk_for_ever() -> None:
    response = respond(ZONE, TEXTS, dns.message.make_query("example.com", "A").to_wire(), "udp")
    assert response is not None
    assert respond(ZONE, TEXTS, response, "udp") is None
    assert respond(ZONE, TEXTS, b"\x00" * 11, "udp") is None


def test_a_newer_version_of_edns_is_said_to_be_unknown() -> None:
    query = dns.message.make_query("acme.platform.example", "NS", use_edns=1)
    assert answered(query.to_wire()).rcode() == dns.rcode.BADVERS


def test_any_gets_one_kind_of_records() -> None:
    assert len(ask("acme.platform.example", "ANY").answer) == 1


def test_an_answer_that_fits_and_is_many_times_its_question_comes_by_tcp_too() -> None:
    by_udp = ask("some.acme.platform.example", edns=False)
    assert by_udp.flags & dns.flags.TC
    by_tcp = ask("some.acme.platform.example", transport="tcp", edns=False)
    assert len(by_tcp.to_wire()) < 512


@pytest.mark.parametrize("edns", [True, False])
def test_an_answer_much_larger_than_its_question_comes_by_tcp_alone(edns: bool) -> None:
    by_udp = ask("many.acme.platform.example", edns=edns)
    assert by_udp.flags & dns.flags.TC
    assert by_udp.answer == []
    assert len(values(ask("many.acme.platform.example", transport="tcp", edns=edns))) == 60


def test_a_sender_who_asks_too_much_is_sent_to_tcp() -> None:
    query = dns.message.make_query(f"{LABEL}.acme.platform.example", "TXT")
    response = respond(ZONE, TEXTS, query.to_wire(), "udp", truncated=True)
    assert response is not None
    assert len(response) <= len(query.to_wire())
    assert dns.message.from_wire(response).flags & dns.flags.TC


NAMES = st.sampled_from(
    [
        "some.acme.platform.example",
        f"{LABEL}.acme.platform.example",
        "many.acme.platform.example",
        "acme.platform.example",
        ".",
    ]
)
QUERIES = st.builds(
    lambda name, kind, edns, more: dns.message.make_query(name, kind, use_edns=edns).to_wire() + more,
    NAMES,
    st.integers(0, 65535),
    st.sampled_from([-1, 0, 1]),
    st.binary(max_size=8),
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A real question with some bytes changed, cut off or repeated."""
    wire = bytearray(draw(QUERIES))
    for _ in range(draw(st.integers(0, 6))):
        wire[draw(st.integers(0, len(wire) - 1))] = draw(st.integers(0, 255))
    return bytes(wire[: draw(st.integers(0, len(wire)))] if draw(st.booleans()) else wire)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(st.one_of(spoiled(), st.binary(max_size=600), QUERIES))
def test_no_bytes_break_it_or_are_answered_with_many_more(wire: bytes) -> None:
    by_udp, by_tcp = (respond(ZONE, TEXTS, wire, transport) for transport in ("udp", "tcp"))
    assert (by_udp is None) == (by_tcp is None)
    if by_udp is None or by_tcp is None:
        return
    assert by_udp[:2] == by_tcp[:2] == wire[:2]
    assert by_udp[2] & by_tcp[2] & 0x80, "it is a response"
    assert len(by_udp) <= min(UDP_MOST, max(TIMES_MOST * len(wire), 12))
    assert struct.unpack("!H", by_tcp[4:6])[0] <= 1
