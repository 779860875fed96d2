"""Reads files of a repository and nothing outside of it: no link is followed, in no part of a path."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import InvalidInput

MAX_READ_BYTES = 1 << 20
MAX_LISTED = 250_000
"""More files than a source tree may have: a list that was cut could lack the file that shows what the app is."""


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The files below `root`, which are not trusted."""

    root: Path

    def read(self, path: str) -> bytes | None:
        """A regular file's content; None when there is none.

        Raises:
            InvalidInput: it is a link, not a regular file, or larger than 1 MB.
        """
        descriptor = self._open(path, os.O_RDONLY)
        if descriptor is None:
            return None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_READ_BYTES:
                raise InvalidInput(f"{path} is not a file of up to 1 MB", remedy="make it a regular, small file")
            return os.read(descriptor, MAX_READ_BYTES)
        finally:
            os.close(descriptor)

    def beginning(self, path: str, size_bytes: int) -> bytes | None:
        """The first bytes of a regular file, however large it is; None when there is none, or its path has a link."""
        try:
            descriptor = self._open(path, os.O_RDONLY)
        except InvalidInput:
            return None
        if descriptor is None:
            return None
        try:
            is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return os.read(descriptor, size_bytes) if is_regular else None
        finally:
            os.close(descriptor)

    def folder(self, path: str, setting: str = "[build] context") -> Path:
        """The real folder that a path names. `setting` is the setting that has the path, for the error.

        Raises:
            InvalidInput: there is none, or its path has a link.
        """
        descriptor = self._open(path, os.O_RDONLY | os.O_DIRECTORY)
        if descriptor is None:
            raise InvalidInput(f"the repository has no folder {path}", remedy=f"correct {setting} in slipway.toml")
        os.close(descriptor)
        return self.root if path == "." else self.root / path

    def paths(self, below: str) -> frozenset[str]:
        """Regular files below a folder, relative to it, up to `MAX_LISTED`."""
        top = self.folder(below)
        found: list[str] = []
        for folder, folders, files in os.walk(top):
            folders.sort()
            for name in files:
                path = Path(folder, name)
                if stat.S_ISREG(path.lstat().st_mode):
                    found.append(os.fsencode(path.relative_to(top)).decode(errors="replace"))
            if len(found) > MAX_LISTED:
                break
        return frozenset(found)

    def named_in_any_case(self, below: str, name: str) -> list[str]:
        """Sorted names of files in a folder that are equal to `name` but for upper and lower case."""
        top = self.folder(below)
        return sorted(
            entry.name
            for entry in os.scandir(top)
            if entry.name.lower() == name.lower() and not entry.is_dir(follow_symlinks=False)
        )

    def _open(self, path: str, flags: int) -> int | None:
        """Open each part of the path without following a link; None when a part is missing."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        current = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            wanted = (flags if last else os.O_RDONLY | os.O_DIRECTORY) | os.O_NOFOLLOW | os.O_NONBLOCK
            try:
                following = os.open(part, wanted, dir_fd=current)
            except FileNotFoundError:
                return None
            except OSError:  # ELOOP, ENOTDIR: a link or a file where there should be none
                raise InvalidInput(f"{path} is, or leads through, a link", remedy="make it a regular file") from None
            finally:
                os.close(current)
            current = following
        return current
