"""Backups as files: complete or not there, and read again before they count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.adapters.backup_files import BackupFiles, new_name
from slipway.adapters.vault import Vault, create_key_file
from slipway.errors import BackupDamaged, DependencyUnavailable, HostUnready

WHERE = (1, 2)
PLAIN = b"all data\n" * 50_000


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_key_file(tmp_path / "values.key")
    return Vault(tmp_path / "values.key")


@pytest.fixture
def files(tmp_path: Path, vault: Vault) -> BackupFiles:
    return BackupFiles(tmp_path / "backups", vault, floor_bytes=0)


def there(tmp_path: Path) -> list[str]:
    return sorted(each.name for each in (tmp_path / "backups").glob("*"))


def test_what_was_written_is_read_and_is_sealed_meanwhile(tmp_path: Path, files: BackupFiles) -> None:
    name = new_name()
    written = files.write(name, iter([PLAIN, PLAIN]), *WHERE)
    path = tmp_path / "backups" / name
    assert (there(tmp_path), path.stat().st_size) == ([name], written.size_bytes)
    assert path.stat().st_mode & 0o077 == 0
    assert b"all data" not in path.read_bytes()
    files.check(name, written.digest, *WHERE)
    assert b"".join(files.read(name, *WHERE)) == PLAIN * 2


def test_a_dump_that_breaks_off_leaves_no_file(tmp_path: Path, files: BackupFiles) -> None:
    def broken() -> Iterator[bytes]:
        yield PLAIN
        raise DependencyUnavailable("the program ended")

    with pytest.raises(DependencyUnavailable, match="the program ended"):
        files.write(new_name(), broken(), *WHERE)
    assert there(tmp_path) == []


def test_a_file_that_was_changed_is_refused(tmp_path: Path, files: BackupFiles) -> None:
    name = new_name()
    digest = files.write(name, [PLAIN], *WHERE).digest
    path = tmp_path / "backups" / name
    whole = path.read_bytes()
    for changed in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b"", whole[:40]):
        path.write_bytes(changed)
        with pytest.raises(BackupDamaged, match="checksum"):
            files.check(name, digest, *WHERE)
        with pytest.raises(BackupDamaged):
            list(files.read(name, *WHERE))
    path.unlink()
    with pytest.raises(BackupDamaged, match="gone"):
        files.check(name, digest, *WHERE)


def test_a_file_under_another_name_or_of_another_service_does_not_open(tmp_path: Path, files: BackupFiles) -> None:
    name, other = new_name(), new_name()
    files.write(name, [PLAIN], *WHERE)
    (tmp_path / "backups" / other).write_bytes((tmp_path / "backups" / name).read_bytes())
    for read in (files.read(other, *WHERE), files.read(name, 1, 3)):
        with pytest.raises(BackupDamaged, match="another service's"):
            list(read)


def test_what_a_kill_left_is_there_and_can_be_removed(tmp_path: Path, files: BackupFiles) -> None:
    assert files.there() == set()
    whole, half = new_name(), new_name()
    files.write(whole, [PLAIN], *WHERE)
    (tmp_path / "backups" / f"{half}.part").write_bytes(b"half")
    (tmp_path / "backups" / "notes.txt").write_text("an operator's own")
    assert files.there() == {whole, half}
    for each in (whole, half, half):
        files.remove(each)
    assert there(tmp_path) == ["notes.txt"]


def test_no_backup_fills_the_disk(tmp_path: Path, vault: Vault) -> None:
    files = BackupFiles(tmp_path / "backups", vault, floor_bytes=1 << 62)
    with pytest.raises(HostUnready, match="SLIPWAY_DISK_FLOOR_BYTES"):
        files.write(new_name(), [PLAIN], *WHERE)
    assert there(tmp_path) == []
