"""Backups as files: sealed, complete or not there at all, and read again before they count."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from slipway.adapters.vault import SealBroken, Vault
from slipway.core.attached import sealed_stream
from slipway.errors import BackupDamaged, HostUnready

_FIRST_LINE = b"slipway backup 1\n"
_PART = ".part"
_NAME = re.compile(r"[0-9a-f]{32}")
_KEY_BYTES, _LINE_MAX, _READ_BYTES = 32, 4096, 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    size_bytes: int
    digest: str
    """SHA-256, in hexadecimal digits."""


def new_name() -> str:
    """It can't be guessed, and never comes again: numbers of deleted rows may."""
    return secrets.token_hex(16)


class BackupFiles:
    """Files in one folder. A file is sealed with a key of its own, which is sealed with the vault's for `where` it
    belongs, and stands at its beginning."""

    def __init__(self, folder: Path, vault: Vault, *, floor_bytes: int) -> None:
        """`floor_bytes`: so much of the disk stays free."""
        self._folder = folder
        self._vault = vault
        self._floor_bytes = floor_bytes

    def write(self, name: str, pieces: Iterable[bytes], *where: object) -> Written:
        """Write aside, read all of it again, and give it its name: a kill before that leaves no file of the name.

        Raises:
            HostUnready: the disk is full.
            BackupDamaged: what was read is not what was written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._folder / (name + _PART)
        try:
            written = self._write(part, name, pieces, where)
            self._check(part, name, written.digest, where)
            part.rename(self._folder / name)
            _sync_folder(self._folder)
        except OSError as error:
            raise HostUnready(
                f"A backup can't be written: {error.strerror}", remedy="the host's owner makes room: slipway doctor"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return written

    def check(self, name: str, digest: str, *where: object) -> None:
        """Read all of it. Raises `BackupDamaged` when it is not what was written."""
        self._check(self._folder / name, name, digest, where)

    def read(self, name: str, *where: object) -> Iterator[bytes]:
        """What was backed up. Raises `BackupDamaged` as soon as a piece of it is not what was written."""
        with _opened(self._folder / name) as file:
            yield from sealed_stream.opened(file.read, self._key(file, name, where))

    def there(self) -> set[str]:
        """The names of all, also of those that are half written."""
        found = self._folder.glob("*") if self._folder.exists() else ()
        return {each.stem for each in found if _NAME.fullmatch(each.stem)}

    def remove(self, name: str) -> None:
        """What there is of it. Twice is once."""
        for each in (name, name + _PART):
            (self._folder / each).unlink(missing_ok=True)

    def _write(self, part: Path, name: str, pieces: Iterable[bytes], where: tuple[object, ...]) -> Written:
        key, digest, size = secrets.token_bytes(_KEY_BYTES), hashlib.sha256(), 0
        sealed_key = self._vault.seal(base64.b64encode(key).decode(), *where, name)
        with part.open("wb") as file:
            part.chmod(0o600)
            for each in (_FIRST_LINE, sealed_key.encode() + b"\n"):
                file.write(each)
                digest.update(each)
                size += len(each)
            for each in sealed_stream.sealed(pieces, key):
                self._require_room()
                file.write(each)
                digest.update(each)
                size += len(each)
            file.flush()
            os.fsync(file.fileno())
        return Written(size, digest.hexdigest())

    def _check(self, path: Path, name: str, digest: str, where: tuple[object, ...]) -> None:
        found = hashlib.sha256()
        with _opened(path) as file:
            while data := file.read(_READ_BYTES):
                found.update(data)
            if found.hexdigest() != digest:
                raise BackupDamaged("its checksum is another one")
            file.seek(0)
            for _ in sealed_stream.opened(file.read, self._key(file, name, where)):
                pass

    def _key(self, file: BinaryIO, name: str, where: tuple[object, ...]) -> bytes:
        first, sealed_key = file.readline(_LINE_MAX), file.readline(_LINE_MAX)
        if first != _FIRST_LINE:
            raise BackupDamaged("its beginning is not that of a backup")
        try:
            return base64.b64decode(self._vault.open(sealed_key.decode().strip(), *where, name))
        except (SealBroken, ValueError):
            raise BackupDamaged("it was sealed with a key that is not here, or is another service's") from None

    def _require_room(self) -> None:
        """Raises `OSError`."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < self._floor_bytes:
            raise OSError(None, f"less than {self._floor_bytes >> 20} MiB would be free (SLIPWAY_DISK_FLOOR_BYTES)")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise BackupDamaged("its file is gone") from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
