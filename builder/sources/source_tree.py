"""Reads files of a repository and nothing outside of it. Links are followed where they lead to something in the
repository, as BuildKit follows them; one that leads out of it leads nowhere.

No part of a path is ever opened through a link: a link is read, and the path that it stands for is opened from the
root.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import InvalidInput

MAX_READ_BYTES = 1 << 20
MAX_LISTED = 250_000
"""More files than a source tree may have, unless links show the same files again and again."""
MAX_LINKS = 40
"""Links that one path may lead through, as for Linux."""


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The files below `root`, which are not trusted."""

    root: Path

    def read(self, path: str, *, is_cut: bool = False) -> bytes | None:
        """A regular file's content; None when there is none. `is_cut`: of a larger file only its first MB is read.

        Raises:
            InvalidInput: it leads out of the repository, is no regular file, or larger than 1 MB.
        """
        descriptor = self._open(path, os.O_RDONLY)
        if descriptor is None:
            return None
        try:
            status = os.fstat(descriptor)
            is_too_large = status.st_size > MAX_READ_BYTES and not is_cut
            if not stat.S_ISREG(status.st_mode) or is_too_large:
                raise InvalidInput(f"{path} is not a file of up to 1 MB", remedy="make it a regular, small file")
            return os.read(descriptor, MAX_READ_BYTES)
        finally:
            os.close(descriptor)

    def beginning(self, path: str, size_bytes: int) -> bytes | None:
        """The first bytes of a regular file, however large it is; None when there is none in the repository."""
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
            InvalidInput: there is none, or it is outside of the repository.
        """
        real = self._real(path)
        descriptor = self._open_real(real, os.O_RDONLY | os.O_DIRECTORY) if real is not None else None
        if real is None or descriptor is None:
            raise InvalidInput(f"the repository has no folder {path}", remedy=f"correct {setting} in slipway.toml")
        os.close(descriptor)
        return self.root / real if real else self.root

    def paths(self, below: str) -> frozenset[str]:
        """Regular files below a folder, relative to it, also those below it that links lead to: a build knows no other.

        Raises:
            InvalidInput: there are more than `MAX_LISTED`.
        """
        top = self.folder(below)
        return frozenset(os.fsencode(path).decode(errors="replace") for path in self._listed(top))

    def _listed(self, top: Path) -> Iterator[str]:
        seen = 0
        for folder, folders, files in os.walk(top, followlinks=True):
            folders[:] = sorted(name for name in folders if self._is_entered(Path(folder, name), top))
            seen += 1 + len(files)
            if seen > MAX_LISTED:
                raise InvalidInput(
                    f"there are more than {MAX_LISTED:,} files and folders, with those that links show again",
                    remedy="name a smaller folder in slipway.toml: [build] context = …",
                )
            yield from (
                str(Path(folder, name).relative_to(top)) for name in files if self._is_regular(Path(folder, name), top)
            )

    def _is_entered(self, path: Path, top: Path) -> bool:
        """Is it a folder, or a link to one? Below a link no other is entered, nor one to a folder that holds it: links
        that lead to each other have no end."""
        if not path.is_symlink():
            return True
        parent = path.parent.relative_to(self.root)
        real, parent_real = self._below(top, path), self._real(str(parent))
        return real is not None and Path(parent_real or "") == parent and not path.parent.is_relative_to(real)

    def _is_regular(self, path: Path, top: Path) -> bool:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            return stat.S_ISREG(mode)
        real = self._below(top, path)
        return real is not None and real.is_file()

    def _below(self, top: Path, path: Path) -> Path | None:
        """Where a path leads; None when that is not below `top`."""
        real = self._real(str(path.relative_to(self.root)))
        found = None if real is None else self.root / real
        return found if found is not None and found.is_relative_to(top) else None

    def named_in_any_case(self, below: str, name: str) -> list[str]:
        """Sorted names of files in a folder that are equal to `name` but for upper and lower case."""
        top = self.folder(below)
        return sorted(
            entry.name
            for entry in os.scandir(top)
            if entry.name.lower() == name.lower() and not entry.is_dir(follow_symlinks=False)
        )

    def _open(self, path: str, flags: int) -> int | None:
        """Open what a path leads to; None when nothing is there.

        Raises:
            InvalidInput: the path leads out of the repository.
        """
        real = self._real(path)
        if real is None:
            raise InvalidInput(
                f"{path} is, or leads through, a link out of the repository, or one without an end",
                remedy="make it a file, or a link to a file of the repository",
            )
        return self._open_real(real, flags)

    def _real(self, path: str) -> str | None:
        """The path without links, from the root; None when it leads out of the repository, or in a circle. What is
        not there stays as it is."""
        left, real, links = path.split("/"), "", 0
        while left:
            part = left.pop(0)
            if part in ("", "."):
                continue
            if part == ".." and not real:
                return None
            if part == "..":
                real = posixpath.dirname(real)
                continue
            target = _target(self.root / real / part)
            if target is None:
                real = posixpath.join(real, part)
                continue
            links += 1
            if target.startswith("/") or links > MAX_LINKS:
                return None
            left = [*target.split("/"), *left]
        return real

    def _open_real(self, path: str, flags: int) -> int | None:
        """Open each part of the path without following a link; None when a part is missing."""
        parts = [part for part in path.split("/") if part]
        current = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            wanted = (flags if last else os.O_RDONLY | os.O_DIRECTORY) | os.O_NOFOLLOW | os.O_NONBLOCK
            try:
                following = os.open(part, wanted, dir_fd=current)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    return None
                raise
            finally:
                os.close(current)
            current = following
        return current


def _target(path: Path) -> str | None:
    """Where a link leads; None when the path is no link."""
    try:
        return os.readlink(path)
    except OSError:
        return None
