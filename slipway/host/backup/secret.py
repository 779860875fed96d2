"""What a backup is encrypted with: a passphrase that somebody chose, or a key that is made here."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from slipway.errors import HostUnready
from slipway.settings import Settings

LEAST_BYTES = 12
_KEY_BYTES = 32


def key_file(settings: Settings) -> Path:
    """Beside the folder of the platform's keys, and in no backup."""
    return settings.state_dir / "backup.key"


def to_write(settings: Settings, chosen: Path | None) -> tuple[bytes, Path, bool]:
    """The secret, its file, and whether that is a key that was made here.

    Raises:
        HostUnready: the file can't be read, or holds too little.
    """
    file = chosen or _of_settings(settings)
    if file is not None:
        return read(file), file, False
    made = key_file(settings)
    if not made.exists():
        _create(made)
    return read(made), made, True


def to_read(settings: Settings, chosen: Path | None) -> bytes:
    """Raises:
    HostUnready: no file is named and none was made here, or it can't be read.
    """
    file = chosen or _of_settings(settings) or key_file(settings)
    if not file.exists():
        raise HostUnready(
            f"{file}, with the backup's passphrase or key, does not exist",
            remedy="KEY=… names the file; it was backup.key in the state folder of the host that made the backup",
        )
    return read(file)


def read(file: Path) -> bytes:
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise HostUnready(f"{file}, with the backup's passphrase, can't be read: {error.strerror}") from error
    if len(secret) < LEAST_BYTES:
        raise HostUnready(
            f"the passphrase in {file} is shorter than {LEAST_BYTES} characters",
            remedy="write a longer one there, such as: openssl rand -base64 32",
        )
    return secret


def _of_settings(settings: Settings) -> Path | None:
    return Path(settings.backup_passphrase_file) if settings.backup_passphrase_file else None


def _create(file: Path) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)) + b"\n")
        new.flush()
        os.fsync(new.fileno())
