"""The archive in a backup, as it is read: first as a whole, to be sure of it, then member by member."""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from slipway.errors import HostUnready
from slipway.host.backup.archive import manifest
from slipway.host.backup.archive.manifest import Manifest, Member
from slipway.host.backup.archive.sealed_file import BackupRefused, OpeningReader

_BLOCK_BYTES = 1 << 20


@contextmanager
def opened(file: Path, secret: bytes) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]]:
    """The members in their order, each with its content, which has to be read before the next one.

    Raises:
        BackupRefused: also from reading on, at the first chunk that is not as it was written.
    """
    try:
        with _source(file) as source:
            reader = OpeningReader(source, secret)
            with tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r|") as archive:
                yield ((about, archive.extractfile(about) if about.isreg() else None) for about in archive)
            reader.read_to_end()
    except tarfile.TarError as error:
        raise BackupRefused(
            f"the backup holds no archive: {error}", remedy="it was not written by make backup"
        ) from error


def _source(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise HostUnready(f"{file} can't be read: {error.strerror}", remedy="FROM=… names the backup") from error


def verified(file: Path, secret: bytes) -> Manifest:
    """Read all of the file: each chunk, each member's checksum. Returns what it says of itself.

    Raises:
        BackupRefused: anything of it is not as it was written.
    """
    found: list[Member] = []
    said = b""
    with opened(file, secret) as members:
        for about, content in members:
            if about.name == manifest.NAME and content is not None:
                said = content.read()
            elif about.isreg() and content is not None:
                found.append(Member(about.name, about.size, _sha256(content)))
    if not said:
        raise BackupRefused("the backup has no manifest", remedy="it was not written by make backup")
    parsed = manifest.parse(said)
    if found != parsed.members:
        raise BackupRefused("the backup does not hold what its manifest lists", remedy="take another copy of it")
    return parsed


def write_member(about: tarfile.TarInfo, content: IO[bytes] | None, folder: Path) -> None:
    """Put a file, a folder or a link below `folder`, with its owner (by name) and mode. A link leads nowhere else.

    Raises:
        BackupRefused: its name, or what it links to, leads out of the folder.
    """
    path = folder / _inside(about.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if about.issym():
        _inside(posixpath.join(posixpath.dirname(about.name), about.linkname))
        path.symlink_to(about.linkname)
        return
    if about.isdir():
        path.mkdir(mode=0o700, exist_ok=True)
    elif content is not None:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            shutil.copyfileobj(content, file)
    path.chmod(about.mode & 0o777)
    _give(path, about)


def _give(path: Path, about: tarfile.TarInfo) -> None:
    """To the owner and group of that name, where root restores and both are known here."""
    if os.geteuid() != 0:
        return
    try:
        shutil.chown(path, about.uname or about.uid, about.gname or about.gid)
    except LookupError:
        return  # it stays root's


def _inside(name: str) -> str:
    plain = posixpath.normpath(name)
    if plain.startswith(("/", "../")) or plain == "..":
        raise BackupRefused(f"the backup holds {name!r}, which leads out of its folder", remedy="do not restore it")
    return plain


def _sha256(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := content.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()
