"""What is wrong with a name is said before the authority is asked, with the record to set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.acme.challenge_server import ChallengeServer
from tests.fixtures.acme.pebble import DnsServer, RunningPebble
from tests.fixtures.ports import free_port
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


@pytest.fixture
def dns(pebble: RunningPebble) -> Iterator[DnsServer]:
    yield pebble.dns
    for what in ("clear-a", "clear-aaaa", "clear-caa", "clear-servfail"):
        pebble.dns.tell(what, host=f"{HOST}.")


def _refused(installation: Installation, reason: str) -> str:
    """Returns the remedy."""
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "waiting"
    row = installation.row(HOST)
    assert row.reason == reason, (row.reason, row.detail)
    assert installation.issuances() == [], "the authority was not asked"
    assert installation.due() == []
    return row.remedy


def test_a_name_that_leads_elsewhere(installation: Installation, dns: DnsServer) -> None:
    dns.tell("add-a", host=f"{HOST}.", addresses=["203.0.113.9"])

    remedy = _refused(installation, "dns-not-here")

    assert f"type A, name {HOST}, value 127.0.0.1" in remedy
    dns.tell("clear-a", host=f"{HOST}.")
    installation.change(HOST, next_attempt_at=None)
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail


def test_an_old_aaaa_record(installation: Installation, dns: DnsServer) -> None:
    dns.tell("add-aaaa", host=f"{HOST}.", addresses=["2001:db8::9"])

    assert "2001:db8::9" in _refused(installation, "dns-partly-here")


def test_name_servers_that_fail(installation: Installation, dns: DnsServer) -> None:
    dns.tell("set-servfail", host=f"{HOST}.")

    assert "registrar" in _refused(installation, "dns-server-failed")


def test_another_server_at_port_80(installation: Installation, challenge_server: ChallengeServer) -> None:
    with challenge_server.answering(0):
        assert "edge" in _refused(installation, "other-answer")


def test_nothing_at_port_80(installation: Installation) -> None:
    closed = installation.with_settings(acme_http_port=str(free_port()))

    assert "firewall" in _refused(closed, "no-answer")


def test_an_address_inside_is_never_asked(
    installation: Installation, dns: DnsServer, challenge_server: ChallengeServer
) -> None:
    """Whoever adds a domain says where it leads: not this host's own services, nor its network's."""
    elsewhere = installation.with_settings(public_addresses="198.51.100.7")
    before = challenge_server.asked

    _refused(elsewhere, "dns-not-here")  # the DNS server says 127.0.0.1

    assert challenge_server.asked == before
