"""The archive in a backup, as it is written: a tar file whose last member is the manifest.

What has no known length (images, a dump) comes in parts of a few MiB, `images/000001` and so on: one after the other
they are the stream.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from slipway.host.backup.archive import manifest
from slipway.host.backup.archive.manifest import Manifest, Member
from slipway.host.backup.archive.sealed_file import SealingWriter

PART_BYTES = 8 << 20
_PRIVATE = 0o600


class Packer:
    """Writes members, and knows them for the manifest."""

    def __init__(self, sink: SealingWriter) -> None:
        self._sink = sink
        self._tar = tarfile.open(fileobj=cast("IO[bytes]", sink), mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.members: list[Member] = []

    def data(self, name: str, content: bytes) -> None:
        """A file that root alone may read."""
        about = tarfile.TarInfo(name)
        about.mode = _PRIVATE
        self._add(about, content)

    def stream(self, name: str, blocks: Iterable[bytes]) -> None:
        for number, part in enumerate(_parts(blocks), start=1):
            self.data(f"{name}/{number:06}", part)

    def tree(self, name: str, folder: Path, *, without: tuple[str, ...] = ()) -> None:
        """Folders, files and links below `folder` with their owners and modes. What disappears meanwhile is left
        out; nothing else is small enough to be read at once than what this is for: keys, certificates, accounts."""
        if not folder.is_dir():
            return
        for path in sorted(_below(folder, without)):
            about = self._tar.gettarinfo(path, f"{name}/{path.relative_to(folder)}".removesuffix("/."))
            if about.isreg():
                self._add_file(about, path)
            elif about.isdir() or about.issym():
                self._tar.addfile(about)

    def close(self, said: Manifest) -> None:
        """The manifest, the archive's end, the last chunk."""
        about = tarfile.TarInfo(manifest.NAME)
        text = said.text().encode()
        about.size, about.mode = len(text), _PRIVATE
        self._tar.addfile(about, io.BytesIO(text))
        self._tar.close()
        self._sink.close()

    def _add_file(self, about: tarfile.TarInfo, path: Path) -> None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        about.type = tarfile.REGTYPE  # also one with several names, which would be a reference to the first
        self._add(about, content)

    def _add(self, about: tarfile.TarInfo, content: bytes) -> None:
        about.size = len(content)
        self._tar.addfile(about, io.BytesIO(content))
        self.members.append(Member(about.name, about.size, hashlib.sha256(content).hexdigest()))


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for block in blocks:
        waiting += block
        while len(waiting) >= PART_BYTES:
            yield bytes(waiting[:PART_BYTES])
            del waiting[:PART_BYTES]
    if waiting:
        yield bytes(waiting)


def blocks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(PART_BYTES):
            yield block


def _below(folder: Path, without: tuple[str, ...]) -> Iterator[Path]:
    yield folder
    for parent, folders, files in os.walk(folder):
        at_top = Path(parent) == folder
        folders[:] = [each for each in folders if not (at_top and each in without)]
        yield from (Path(parent, each) for each in (*folders, *files) if not (at_top and each in without))
