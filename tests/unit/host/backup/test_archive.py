"""The archive in a backup: what is packed comes out as it was, and leads nowhere else."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from functools import partial
from pathlib import Path

import pytest

from slipway.host.backup.archive import packing
from slipway.host.backup.archive.manifest import Manifest, Member, describe
from slipway.host.backup.archive.packing import Packer
from slipway.host.backup.archive.sealed_file import BackupRefused, SealingWriter
from slipway.host.backup.archive.unpacking import opened, verified, write_member

SECRET = b"correct horse battery staple"
SAID = partial(
    Manifest,
    version="0.1.0",
    schema="0025",
    made_at="2026-12-01T03:00:00Z",
    instance="slipway",
    state_dir="/s",
    database="sqlite",
    rows={"apps": 2, "tenants": 1},
    images=[],
    images_missing=[],
    with_images=False,
    volumes=[],
    with_volumes=False,
    with_keycloak=False,
)


def packed(file: Path, fill: object = None, members: list[Member] | None = None) -> Path:
    with file.open("wb") as sink:
        packer = Packer(SealingWriter(sink, SECRET, log_n=10))
        if callable(fill):
            fill(packer)
        packer.close(SAID(members=packer.members if members is None else members))
    return file


def unpacked(file: Path, folder: Path) -> Path:
    with opened(file, SECRET) as members:
        for about, content in members:
            write_member(about, content, folder)
    return folder


def test_a_folder_comes_out_with_its_modes_and_links(tmp_path: Path) -> None:
    folder = tmp_path / "certbot"
    (folder / "live" / "a").mkdir(parents=True, mode=0o700)
    (folder / "archive").mkdir()
    (folder / "archive" / "cert1.pem").write_text("certificate")
    (folder / "archive" / "cert1.pem").chmod(0o640)
    (folder / "live" / "a" / "cert.pem").symlink_to("../../archive/cert1.pem")
    (folder / "logs").mkdir()
    (folder / "logs" / "letsencrypt.log").touch()
    file = packed(tmp_path / "b", lambda packer: packer.tree("certbot", folder, without=("logs",)))
    out = unpacked(file, tmp_path / "out") / "certbot"
    assert (out / "live" / "a" / "cert.pem").read_text() == "certificate"
    assert os.readlink(out / "live" / "a" / "cert.pem") == "../../archive/cert1.pem"
    assert stat.S_IMODE((out / "archive" / "cert1.pem").stat().st_mode) == 0o640
    assert stat.S_IMODE((out / "live" / "a").stat().st_mode) == 0o700
    assert not (out / "logs").exists()


def test_a_stream_comes_out_in_parts_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PART_BYTES", 10)
    file = packed(tmp_path / "b", lambda packer: packer.stream("images", [b"one two ", b"three four", b"", b" five"]))
    with opened(file, SECRET) as members:
        found = [(about.name, content.read()) for about, content in members if content]
    assert [name for name, _ in found[:-1]] == ["images/000001", "images/000002", "images/000003"]
    assert b"".join(content for _, content in found[:-1]) == b"one two three four five"


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    file = packed(tmp_path / "b", lambda packer: packer.tree("certificates", tmp_path / "none"))
    assert verified(file, SECRET).members == []


def test_a_manifest_that_lists_something_else_is_refused(tmp_path: Path) -> None:
    file = packed(tmp_path / "b", lambda packer: packer.data("keys/values.key", b"key"), [])
    with pytest.raises(BackupRefused, match="does not hold what its manifest lists"):
        verified(file, SECRET)


def test_an_archive_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "b").open("wb") as file:
        sink = SealingWriter(file, SECRET, log_n=10)
        sink.write(bytes(10240))
        sink.close()
    with pytest.raises(BackupRefused, match="no manifest"):
        verified(tmp_path / "b", SECRET)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "b").open("wb") as file:
        sink = SealingWriter(file, SECRET, log_n=10)
        sink.write(b"plain text " * 100)
        sink.close()
    with pytest.raises(BackupRefused, match="no archive"):
        verified(tmp_path / "b", SECRET)


@pytest.mark.parametrize("name", ["../out", "keys/../../out", "/etc/shadow", ".."])
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="leads out of its folder"):
        write_member(tarfile.TarInfo(name), io.BytesIO(b"x"), tmp_path / "in")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ["/etc", "../../etc", "../keys/../../x"])
def test_a_link_that_leads_out_is_refused(target: str, tmp_path: Path) -> None:
    link = tarfile.TarInfo("certbot/link")
    link.type, link.linkname = tarfile.SYMTYPE, target
    with pytest.raises(BackupRefused, match="leads out of its folder"):
        write_member(link, None, tmp_path)


def test_a_file_is_not_written_over_another(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first")
    with pytest.raises(FileExistsError):
        write_member(tarfile.TarInfo("a"), io.BytesIO(b""), tmp_path)


def test_the_manifest_says_what_is_left_out() -> None:
    said = describe(SAID())
    assert "schema 0025, 3 rows: tenants 1, apps 2" in said
    assert "left out: what runs has to be deployed anew" in said
    assert "apps' data on volumes is not in it" in said
