"""With its last host a certificate goes: it is served no longer, revoked, and deleted."""

from __future__ import annotations

import os
import time

import pytest

from slipway.adapters.certificate_files import GONE_AFTER_S, CertificateFiles
from tests.fixtures.acme.pebble import RunningPebble
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


@pytest.fixture
def issued(installation: Installation) -> Installation:
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail
    return installation


def _age(installation: Installation) -> None:
    """As if everything had been there for long."""
    base = installation.settings.certificate_dir
    for path in (base / "index.json", *base.glob("*/*")):
        os.utime(path, (time.time() - 2 * GONE_AFTER_S,) * 2)


def test_a_domain_that_is_removed_takes_its_certificate_along(issued: Installation, pebble: RunningPebble) -> None:
    serial, certificate_id = issued.served(HOST), issued.row(HOST).id
    issued.remove_domain(HOST)

    assert issued.run_job(HOST) is None

    assert issued.index()["certificates"] == {}
    assert issued.index()["hosts"] == {}
    assert pebble.revoked(serial)
    assert issued.rows() == []
    assert not list((issued.settings.certbot_dir / "config").rglob(f"*slipway-{certificate_id}*"))
    _age(issued)
    CertificateFiles(issued.settings.certificate_dir).collect()
    assert issued.folders() == []


def test_files_stay_for_as_long_as_an_edge_may_read_them(issued: Installation) -> None:
    folders = issued.folders()
    issued.remove_domain(HOST)
    issued.run_job(HOST)

    assert issued.folders() == folders


def test_what_is_served_is_never_collected(issued: Installation) -> None:
    _age(issued)

    CertificateFiles(issued.settings.certificate_dir).collect()

    assert issued.served(HOST)


def test_one_that_comes_back_before_it_was_revoked_is_used_again(issued: Installation, pebble: RunningPebble) -> None:
    serial = issued.served(HOST)

    issued.remove_domain(HOST)
    issued.add_domain(HOST)

    assert issued.row(HOST).state == "issued"
    assert issued.due() == []
    assert issued.served(HOST) == serial
    assert not pebble.revoked(serial)


def test_it_is_removed_at_last_when_the_authority_is_down(issued: Installation, pebble: RunningPebble) -> None:
    down = issued.with_settings(acme_directory="https://127.0.0.1:1/dir")
    issued.change(HOST, authority="https://127.0.0.1:1/dir")
    issued.remove_domain(HOST)

    down.run_job(HOST)

    row = issued.row(HOST)
    assert (row.state, row.reason) == ("removed", "authority-down")
    assert issued.index()["certificates"] == {}, "it is not served meanwhile"
    issued.change(HOST, authority=pebble.directory, next_attempt_at=None)
    issued.run_job(HOST)
    assert issued.rows() == []
    assert pebble.revoked(row.serial)


def test_an_authority_that_is_switched_off_takes_nothing_away(issued: Installation) -> None:
    serial = issued.served(HOST)
    off = issued.with_settings(acme_directory="off")

    assert off.due() == []

    assert off.row(HOST).state == "issued"
    assert off.served(HOST) == serial
