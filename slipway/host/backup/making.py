"""`make backup`: all that the installation is, into one encrypted file, while it runs on."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

from slipway.core.text.amounts import size
from slipway.errors import HostUnready
from slipway.host import checkout
from slipway.host.backup import app_volumes, database, frozen, release_images, secret
from slipway.host.backup.archive.manifest import Image, Manifest, describe
from slipway.host.backup.archive.packing import Packer, blocks_of
from slipway.host.backup.archive.sealed_file import SealingWriter
from slipway.host.backup.archive.unpacking import verified
from slipway.host.backup.release_images import EngineClient
from slipway.host.commands import Commands
from slipway.settings import CLIENT_KEYS, PREFIX, Settings

SETTINGS_FILE = "settings/slipway.env"
ENV_FILE = "settings/dot-env"
DISTRIBUTION = "slipway-platform"
_COPIES = "backup-copies-"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup of an installation."""

    settings: Settings
    environment: Mapping[str, str]
    commands: Commands
    say: Callable[[str], None]
    with_images: bool = True
    with_volumes: bool = False
    secret_file: Path | None = None

    def write(self, to: Path) -> Manifest:
        """Write it aside, read it whole to be sure of it, then give it its name.

        Raises:
            HostUnready: there is nothing to back up, no room for it, or a part of it can't be read.
        """
        if not self.commands.is_root():
            raise HostUnready("a backup holds the platform's keys, which are root's", remedy="run: sudo -E make backup")
        with _alone(self.settings.state_dir) as folder:
            key, key_file, is_made_here = secret.to_write(self.settings, self.secret_file)
            with _aside(to) as (partial, file):
                self._pack(SealingWriter(file, key), folder)
                file.flush()
                os.fsync(file.fileno())
                said = verified(partial, key)
        self.say(f"{describe(said)}\nwritten   {to} ({size(to.stat().st_size)}), read back and verified")
        self.say(_about_key(key_file, is_made_here=is_made_here))
        return said

    def _pack(self, sink: SealingWriter, folder: Path) -> None:
        """Rows come first: files that are newer than their rows do no harm, missing ones would."""
        packer = Packer(sink)
        dumped = database.dump(self.settings, packer, folder)
        self._pack_settings(packer)
        packer.tree("keys", self.settings.key_dir)
        packer.tree("certificates", self.settings.certificate_dir)
        packer.tree("certbot", self.settings.certbot_dir, without=("logs", "work"))
        with_keycloak = self._pack_keycloak(packer, folder)
        images, missing = self._pack_images(packer)
        volumes = app_volumes.dump(EngineClient(self.settings, self.commands), packer) if self.with_volumes else []
        packer.close(
            Manifest(
                version=_version(),
                schema=dumped.schema,
                made_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                instance=self.settings.instance,
                state_dir=str(self.settings.state_dir),
                database=dumped.kind,
                rows=dumped.rows,
                images=images,
                images_missing=missing,
                with_images=self.with_images,
                volumes=volumes,
                with_volumes=self.with_volumes,
                with_keycloak=with_keycloak,
                members=packer.members,
            )
        )

    def _pack_settings(self, packer: Packer) -> None:
        """As they are in force, and `.env` as it stands: to read, a restore applies none of them."""
        in_force = {name: value for name, value in self.environment.items() if name.startswith(PREFIX)}
        lines = [f"{name}={value}\n" for name, value in sorted(in_force.items()) if name not in CLIENT_KEYS]
        packer.data(SETTINGS_FILE, "".join(lines).encode())
        with suppress(FileNotFoundError):
            packer.data(ENV_FILE, checkout.ENV_FILE.read_bytes())

    def _pack_keycloak(self, packer: Packer, folder: Path) -> bool:
        files = frozen.keycloak_folder(self.settings)
        if not files.is_dir():
            return False
        copied = folder / "h2"
        frozen.copy(files, copied)
        for path in sorted(copied.iterdir()):
            packer.stream(f"keycloak/{path.name}", blocks_of(path))
        return True

    def _pack_images(self, packer: Packer) -> tuple[list[Image], list[str]]:
        if not self.with_images:
            return [], []
        images = release_images.of_releases(self.settings)
        client = EngineClient(self.settings, self.commands)
        return release_images.dump(client, packer, images) if images else ([], [])


@contextmanager
def _alone(state_dir: Path) -> Iterator[Path]:
    """A folder for copies, while no other backup of the installation is made.

    Raises:
        HostUnready: one is.
    """
    if not state_dir.is_dir():
        raise HostUnready(f"there is no installation in {state_dir}", remedy="make up makes one")
    with open(os.open(state_dir / "backup.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostUnready("another backup of this installation is being made", remedy="wait for its end") from None
        for left in state_dir.glob(f"{_COPIES}*"):  # of one that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=_COPIES, dir=state_dir) as folder:
            yield Path(folder)


@contextmanager
def _aside(to: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside `to` that takes its place when the block ends well, and is removed otherwise.

    Raises:
        HostUnready: it can't be written, or the disk is full.
    """
    partial = to.with_name(f"{to.name}.partial")
    try:
        with open(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b") as file:
            try:
                file.truncate()
                yield partial, file
                partial.rename(to)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
        _sync(to.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HostUnready(
                f"there is no room for the backup in {to.parent}, or for its copy of the database in the state folder; "
                "nothing of it was kept",
                remedy="make room, name another folder, or leave the images out: IMAGES=0",
            ) from error
        raise HostUnready(f"{partial} can't be written: {error.strerror}", remedy="TO=… names the backup") from error


def _sync(folder: Path) -> None:
    """So that the new name outlives a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _about_key(file: Path, *, is_made_here: bool) -> str:
    if not is_made_here:
        return f"secret    the passphrase in {file}: nobody opens the backup without it"
    return (
        f"key       {file}: nobody opens the backup without it, and it is not in the backup.\n"
        "          Keep a copy of it elsewhere than on this host: whoever loses both has no backup."
    )


def _version() -> str:
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "from sources"
