"""Own certificates beside a real authority's: which of them is served, and what is revoked."""

from __future__ import annotations

import json

import pytest

from slipway.adapters.certbot.accounts import account_uri
from slipway.adapters.vault import CERTIFICATES, Vault, create_key_file
from slipway.domain.certificates import own
from slipway.models import App
from tests.fixtures.acme.pebble import Pebble
from tests.fixtures.chains import given
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


@pytest.fixture
def issued(installation: Installation) -> Installation:
    installation.settings.key_dir.mkdir(parents=True)
    create_key_file(installation.settings.key_dir / CERTIFICATES)
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail
    return installation


def _give(installation: Installation) -> str:
    """As the API does; returns the serial."""
    made, place = given(HOST), own.sealed_for(installation.tenant_id, installation.app_id, HOST)
    vault = Vault(installation.settings.key_dir / CERTIFICATES)
    sealed = vault.seal(json.dumps({"fullchain": made.certificate, "key": made.key}), *place)
    with installation.db.write(tenant_id=installation.tenant_id) as session:
        app = session.query(App).filter_by(id=installation.app_id).one()
        own.give(session, own.row_for(session, app, HOST), sealed, "Test Intermediate")
    return made.serial


def _take_back(installation: Installation) -> None:
    with installation.db.write(tenant_id=installation.tenant_id) as session:
        row = own.in_use(session, HOST)
        assert row is not None
        own.take_back(session, row, authority_follows=True)


def test_the_authoritys_waits_in_certbots_folder_and_comes_back_without_being_asked_for(
    issued: Installation, pebble: Pebble
) -> None:
    authoritys = issued.served(HOST)
    given_serial = _give(issued)
    assert issued.due() == [(issued.row(HOST).id, issued.row(HOST).lease)]
    assert issued.served(HOST) == authoritys
    assert issued.run_job(HOST) == "issued"
    assert issued.served(HOST) == given_serial
    assert not pebble.revoked(authoritys)
    assert issued.due() == [], "nobody renews it"

    _take_back(issued)
    assert issued.run_job(HOST) == "issued"

    assert issued.served(HOST) == authoritys
    assert len(issued.issuances()) == 1


def test_where_the_authority_fails_the_own_one_goes_on(issued: Installation) -> None:
    given_serial = _give(issued)
    issued.run_job(HOST)
    _take_back(issued)
    for folder in ("live", "archive"):
        for file in (issued.settings.certbot_dir / "config" / folder).rglob("*.pem"):
            file.unlink()
    down = issued.with_settings(acme_directory="https://127.0.0.1:1/dir")

    assert down.run_job(HOST) == "issued"

    assert issued.row(HOST).reason == "authority-down"
    assert issued.served(HOST) == given_serial
    issued.change(HOST, next_attempt_at=None)
    assert issued.run_job(HOST) == "issued"
    assert issued.served(HOST) != given_serial
    assert len([each for each in issued.issuances() if each.outcome == "issued"]) == 2


def test_with_the_domain_what_the_authority_issued_is_revoked_and_the_own_one_is_deleted(
    issued: Installation, pebble: Pebble
) -> None:
    authoritys = issued.served(HOST)
    _give(issued)
    issued.run_job(HOST)
    issued.remove_domain(HOST)

    assert issued.run_job(HOST) is None

    assert pebble.revoked(authoritys)
    assert issued.rows() == []
    assert issued.index()["certificates"] == {}


def test_caa_records_name_our_account_by_what_certbot_has_kept(issued: Installation, pebble: Pebble) -> None:
    found = account_uri(issued.settings.certbot_dir, pebble.directory)
    assert found.startswith("https://")
    assert found.partition("://")[2].partition("/")[0] == pebble.directory.partition("://")[2].partition("/")[0]
    assert account_uri(issued.settings.certbot_dir, "https://other.example/dir") == ""
