"""A full disk: a clear reason, the old certificate served, and all goes on once there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.certificates.issuing import FREE_BYTES
from slipway.models import now
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"
SIZE = FREE_BYTES * 2


class SmallDisk:
    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"
        self._folder = folder

    def fill(self, *, left: int) -> None:
        """Leave so many bytes."""
        taken = int(subprocess.check_output(["df", "--output=avail", "--block-size=1", self._folder]).split()[1]) - left
        with self._filler.open("wb") as file:
            file.write(b"\0" * taken)

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def certbots_disk(installation: Installation) -> Iterator[SmallDisk]:
    yield from _mounted(installation.settings.certbot_dir)


@pytest.fixture
def edges_disk(installation: Installation) -> Iterator[SmallDisk]:
    yield from _mounted(installation.settings.certificate_dir)


def _mounted(folder: Path) -> Iterator[SmallDisk]:
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_nearly_full_costs_no_attempt(installation: Installation, certbots_disk: SmallDisk) -> None:
    installation.add_domain(HOST)
    certbots_disk.fill(left=FREE_BYTES // 2)

    assert installation.run_job(HOST) == "waiting"

    assert installation.row(HOST).reason == "disk-full"
    assert installation.issuances() == []
    certbots_disk.free()
    installation.change(HOST, next_attempt_at=None)
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail


def test_certbots_disk_fills_up_meanwhile(
    installation: Installation, certbots_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.certificates.issuing.FREE_BYTES", 0)
    installation.add_domain(HOST)
    certbots_disk.fill(left=4096)

    assert installation.run_job(HOST) == "waiting"

    row = installation.row(HOST)
    assert row.reason == "disk-full", row.detail
    assert installation.index() == {} or installation.index()["certificates"] == {}
    certbots_disk.free()
    installation.change(HOST, next_attempt_at=None)
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail


def test_the_edges_disk_fills_up_while_a_certificate_is_renewed(
    installation: Installation, edges_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was issued is in certbot's folder, and is not asked for again."""
    monkeypatch.setattr("builder.certificates.issuing.FREE_BYTES", 0)
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "issued"
    old = installation.served(HOST)
    installation.change(HOST, renew_at=now())
    edges_disk.fill(left=0)

    assert installation.run_job(HOST) == "issued"

    assert installation.row(HOST).reason == "disk-full", installation.row(HOST).detail
    assert installation.served(HOST) == old
    assert not list(installation.settings.certificate_dir.glob("*/.*"))
    edges_disk.free()
    installation.change(HOST, next_attempt_at=None)
    assert installation.run_job(HOST) == "issued"
    assert installation.served(HOST) != old
    assert [each.outcome for each in installation.issuances()] == ["issued", "issued"]
