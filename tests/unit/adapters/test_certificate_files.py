"""The folder that the edge reads changes at one moment, or not at all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters import certificate_files
from slipway.adapters.certificate_files import CertificateFiles
from slipway.core.certificates.index import HttpsOfHost, Served
from slipway.ports.authority import Pair

PAIR = Pair(b"chain", b"key")
END = datetime(2026, 5, 1, tzinfo=UTC)
SERVED = Served(7, ("shop.example.org",), "a1", "a1", END)


def publish(files: CertificateFiles, served: list[Served], hosts: dict[str, HttpsOfHost]) -> bool:
    return files.publish(lambda: (served, hosts))


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "certificates")


def test_the_version_grows_with_each_change_alone(files: CertificateFiles) -> None:
    files.install(7, "a1", PAIR)

    assert publish(files, [SERVED], {})
    assert not publish(files, [SERVED], {})
    assert files.published()["version"] == 1
    assert publish(files, [SERVED], {"shop.example.org": HttpsOfHost("both", 60)})
    assert files.published()["version"] == 2


def test_of_two_writers_the_later_one_knows_more(files: CertificateFiles) -> None:
    """What is wanted is asked for while nobody else writes."""
    files.install(7, "a1", PAIR)
    began, first_may_end = threading.Event(), threading.Event()
    rows = [SERVED]

    def slowly() -> tuple[list[Served], dict[str, HttpsOfHost]]:
        known = list(rows)
        began.set()
        assert first_may_end.wait(10)
        return known, {}

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(files.publish, slowly)
        assert began.wait(10)
        rows.clear()
        second = pool.submit(files.publish, lambda: (list(rows), {}))
        first_may_end.set()
        assert (first.result(10), second.result(10)) == (True, True)
    assert files.published()["certificates"] == {}


def test_a_certificate_without_files_is_left_out(files: CertificateFiles) -> None:
    publish(files, [SERVED], {"shop.example.org": HttpsOfHost()})

    assert files.published() == {"version": 1, "certificates": {}, "hosts": {}}


def test_a_host_below_a_wildcard_has_a_certificate(files: CertificateFiles) -> None:
    files.install(7, "a1", PAIR)

    publish(
        files,
        [Served(7, ("*.example.org",), "a1", "a1", END)],
        {"a.example.org": HttpsOfHost(), "a.b.example.org": HttpsOfHost()},
    )

    assert list(files.published()["hosts"]) == ["a.example.org"]


def test_files_that_can_not_be_written_leave_nothing(
    files: CertificateFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    original: Any = certificate_files._write

    def full_at_the_key(path: Path, content: bytes) -> None:
        written.append(path.name)
        if path.name == "key.pem":
            raise OSError(28, "No space left on device")
        original(path, content)

    monkeypatch.setattr(certificate_files, "_write", full_at_the_key)

    with pytest.raises(OSError, match="No space"):
        files.install(7, "a1", PAIR)

    assert written == ["fullchain.pem", "key.pem"]
    assert list((tmp_path / "certificates" / "7").iterdir()) == []
    assert files.pair(7, "a1") is None


def test_an_index_that_can_not_be_written_leaves_the_old_one(
    files: CertificateFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.install(7, "a1", PAIR)
    publish(files, [SERVED], {})
    before = (tmp_path / "certificates" / "index.json").read_bytes()

    def full(path: Path, content: bytes) -> None:
        path.write_bytes(content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(certificate_files, "_write", full)

    with pytest.raises(OSError, match="No space"):
        publish(files, [], {})

    assert (tmp_path / "certificates" / "index.json").read_bytes() == before
    assert not list((tmp_path / "certificates").glob(".*"))


def test_a_link_in_the_place_of_a_file_is_not_followed(files: CertificateFiles, tmp_path: Path) -> None:
    """The folder is root's alone; what is written still goes nowhere else."""
    target = tmp_path / "elsewhere"
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / ".index.json.new").symlink_to(target)

    with pytest.raises(OSError, match="symbolic"):
        publish(files, [], {})

    assert not target.exists()
