"""From a domain to a certificate that is served."""

from __future__ import annotations

import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from slipway.core.certificates.index import digest
from slipway.models import now
from tests.fixtures.acme.pebble import RunningPebble
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


def test_a_domain_gets_a_certificate_whose_chain_verifies(installation: Installation, pebble: RunningPebble) -> None:
    installation.add_domain(HOST)

    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail

    row, folder = installation.row(HOST), installation.files(HOST)
    fullchain, key = (folder / "fullchain.pem").read_bytes(), (folder / "key.pem").read_bytes()
    assert row.not_after is not None
    assert installation.index()["certificates"] == {
        str(row.id): {
            "folder": f"{row.id}/{row.serial}",
            "names": [HOST],
            "serial": row.serial,
            "not_after": int(row.not_after.timestamp()),
            "sha256": digest(fullchain, key),
        }
    }
    assert installation.index()["hosts"] == {HOST: {"https": "redirect"}}
    for secret in (folder / "key.pem", folder / "fullchain.pem", installation.settings.certificate_dir / "index.json"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    for place in (folder, folder.parent, installation.settings.certificate_dir, installation.settings.certbot_dir):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    context = ssl.create_default_context(cadata=pebble.root())
    context.load_cert_chain(folder / "fullchain.pem", folder / "key.pem")
    assert installation.due() == []


def test_two_jobs_of_one_certificate_ask_the_authority_once(installation: Installation) -> None:
    installation.add_domain(HOST)

    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(lambda _: installation.run_job(HOST), range(2)))

    assert sorted(map(str, states)) == ["None", "issued"]
    assert [each.outcome for each in installation.issuances()] == ["issued"]


def test_two_domains_at_once_both_get_one(installation: Installation) -> None:
    hosts = [HOST, "www.example.test"]
    for host in hosts:
        installation.add_domain(host)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(installation.run_job, hosts)) == ["issued", "issued"]

    assert {each["names"][0] for each in installation.index()["certificates"].values()} == set(hosts)


def test_an_address_gets_a_short_lived_one(installation: Installation) -> None:
    with_address = installation.with_settings(public_url="https://127.0.0.1")

    with_address.due()  # the agent sees what is wanted
    assert with_address.run_job("127.0.0.1") == "issued", with_address.row("127.0.0.1").detail

    row = with_address.row("127.0.0.1")
    assert row.not_after is not None
    assert row.not_after < now() + timedelta(days=7)
    assert row.tenant_id is None
    assert with_address.served("127.0.0.1") == row.serial


def test_a_host_of_this_machine_alone_wants_none(installation: Installation) -> None:
    installation.change_domains("shop.localhost", "intranet")

    installation.due()

    assert installation.rows() == []


def test_the_budget_is_kept(installation: Installation, pebble: RunningPebble) -> None:
    """The authority is not asked a sixth time for the same names."""
    installation.add_domain(HOST)
    first = now() - timedelta(days=6)
    installation.spend(HOST, pebble.directory, [first + timedelta(hours=each) for each in range(5)])

    assert installation.run_job(HOST) == "waiting"

    row = installation.row(HOST)
    assert row.reason == "budget-spent"
    assert row.next_attempt_at is not None
    assert abs(row.next_attempt_at - first - timedelta(days=7)) < timedelta(seconds=5)
    assert len(installation.issuances()) == 5
    assert installation.due() == []
