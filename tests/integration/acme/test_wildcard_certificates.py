"""Wildcards by dns-01, with a real name server (BIND): by updates of the domain's own zone (RFC 2136), and by an alias
into the platform's zone, which the responder answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from slipway.core.dns import delegation
from slipway.db import Database
from slipway.domain.domain_claims import tenant_mark
from slipway.settings import load
from tests.fixtures.acme.challenge_server import ChallengeServer
from tests.fixtures.acme.pebble import RunningPebble, running_pebble
from tests.fixtures.bind import KEY_NAME, Bind, running_bind
from tests.fixtures.ports import free_port
from tests.fixtures.responder import running_responder
from tests.fixtures.rows import add_app, add_tenant
from tests.integration.acme.conftest import Installation

UPDATED, DELEGATED, ZONE = "updated.test", "delegated.test", "challenges.test"


@dataclass
class Servers:
    bind: Bind
    pebble: RunningPebble
    environment: dict[str, str]


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, challenge_server: ChallengeServer, shared_redis: Any
) -> Iterator[Servers]:
    folder, port = tmp_path_factory.mktemp("dns"), free_port()
    environment = {
        "SLIPWAY_STATE_DIR": str(folder / "state"),
        "SLIPWAY_REDIS_URL": shared_redis.url,
        "SLIPWAY_HTTPS_LISTEN": "8443",
        "SLIPWAY_ACME_DNS_ZONE": ZONE,
        "SLIPWAY_ACME_DNS_LISTEN": f"127.0.0.1:{port}",
        "SLIPWAY_PUBLIC_ADDRESSES": "127.0.0.1",
    }
    zones = {UPDATED: "", DELEGATED: ""}
    with (
        running_responder(environment),
        running_bind(folder / "bind", zones, {ZONE: port}) as bind,
        running_pebble(folder / "pebble", challenge_server.port, dns_port=bind.port) as pebble,
    ):
        known = {
            "SLIPWAY_DNS_RESOLVERS": bind.address,
            "SLIPWAY_ACME_DIRECTORY": pebble.directory,
            "SLIPWAY_ACME_CA_BUNDLE": str(pebble.ca_bundle),
        }
        yield Servers(bind, pebble, environment | known)


def installed(servers: Servers, tmp_path: Path, database_url: str, **environment: str) -> Installation:
    own = {"SLIPWAY_STATE_DIR": str(tmp_path / "state"), "SLIPWAY_DATABASE_URL": database_url}
    chosen = servers.environment | own | environment
    settings = load(chosen)
    db = Database(settings.database_url)
    tenant_id = add_tenant(db)
    return Installation(settings, chosen, db, tenant_id, add_app(db, tenant_id, "shop").id)


def names_of(installation: Installation, host: str) -> list[str]:
    pem = (installation.files(host) / "fullchain.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def test_by_updates_of_the_domains_own_zone(servers: Servers, tmp_path: Path, sqlite_url: str) -> None:
    host = f"*.{UPDATED}"
    plugin = {"PLUGIN": "dns-rfc2136", "CREDENTIALS": str(servers.bind.credentials()), "WAIT_S": "0"}
    settings = {f"SLIPWAY_ACME_DNS_{name}": value for name, value in plugin.items()}
    installation = installed(servers, tmp_path, sqlite_url, **settings)
    installation.add_domain(host)

    assert installation.run_job(host) == "issued", installation.row(host).detail
    assert names_of(installation, host) == [host]
    assert servers.bind.answers(f"_acme-challenge.{UPDATED}", "TXT") == [], "certbot takes its record away"
    installation.db.dispose()


def test_by_an_alias_into_the_platforms_zone(servers: Servers, tmp_path: Path, sqlite_url: str) -> None:
    host = f"*.{DELEGATED}"
    installation = installed(servers, tmp_path, sqlite_url)
    installation.add_domain(host)

    assert installation.run_job(host) != "issued"
    row = installation.row(host)
    assert row.reason == delegation.NOT_DELEGATED
    with installation.db.read(platform="test") as session:
        record = delegation.record(tenant_mark(session, installation.tenant_id), host, ZONE)
    assert str(record) in row.remedy
    assert installation.issuances() == [], "the authority was not asked"

    set_alias(servers.bind, record.name, record.value)
    installation.change(host, next_attempt_at=None)
    assert installation.run_job(host) == "issued", installation.row(host).detail
    assert names_of(installation, host) == [host]
    assert servers.bind.answers(record.value, "TXT") == [], "the record was there for the challenge alone"
    installation.db.dispose()


def test_an_alias_of_another_tenant_issues_nothing(servers: Servers, tmp_path: Path, sqlite_url: str) -> None:
    """The domain's records still lead to who had it before."""
    host = f"*.left.{DELEGATED}"
    installation = installed(servers, tmp_path, sqlite_url)
    installation.add_domain(host)
    set_alias(servers.bind, delegation.challenge_name(host), f"{delegation.label('0' * 32, host)}.{ZONE}")

    assert installation.run_job(host) != "issued"
    assert installation.row(host).reason == delegation.NOT_DELEGATED
    assert installation.issuances() == []
    installation.db.dispose()


def test_a_wildcard_where_nothing_can_answer_says_what_the_platforms_owner_sets(
    servers: Servers, tmp_path: Path, sqlite_url: str
) -> None:
    installation = installed(servers, tmp_path, sqlite_url, SLIPWAY_ACME_DNS_ZONE="", SLIPWAY_ACME_DNS_LISTEN="")
    installation.add_domain(f"*.{DELEGATED}")

    assert installation.run_job(f"*.{DELEGATED}") != "issued"
    row = installation.row(f"*.{DELEGATED}")
    assert row.reason == delegation.NO_WAY
    assert "SLIPWAY_ACME_DNS_ZONE" in row.remedy
    installation.db.dispose()


def set_alias(bind: Bind, name: str, value: str) -> None:
    """As the domain's owner does at the DNS provider."""
    import dns.query
    import dns.tsigkeyring
    import dns.update

    keyring = dns.tsigkeyring.from_text({KEY_NAME: bind.secret})
    update = dns.update.UpdateMessage(DELEGATED, keyring=keyring, keyalgorithm="hmac-sha512")
    update.replace(f"{name}.", 1, "CNAME", f"{value}.")
    assert dns.query.tcp(update, "127.0.0.1", port=bind.port, timeout=10).rcode() == 0
