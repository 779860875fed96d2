"""Counts the files of a commit while git lists them: a repository of a few kilobytes can name a billion files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from slipway.core.sources import lfs
from slipway.errors import DeploymentFailed

MAX_ENTRIES = 200_000
LISTING = ("ls-tree", "-r", "-t", "--long", "--full-tree")
"""Lists folders as well: empty ones cost git as much as files do."""
_LINE = re.compile(r"(?P<mode>\d+) \w+ (?P<id>[0-9a-f]+) +(?P<size>\d+|-)\t(?P<path>.*)", re.DOTALL)
_SUBMODULE = "160000"
_REGULAR = frozenset({"100644", "100755"})
_OF_GIT = frozenset({".gitmodules", ".gitattributes", ".lfsconfig"})
MAX_CONFIG_BYTES = 1 << 20
"""Of each of these, which are read into memory."""


class TreeSize:
    """Adds up entries and bytes, and refuses the commit as soon as it is too large."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries = 0
        self._bytes = 0

    def add(self, size: int, entries: int = 1) -> None:
        """Raises `DeploymentFailed` (`source-too-large`)."""
        self._entries += entries
        self._bytes += size
        if self._entries > MAX_ENTRIES:
            raise self._refused(f"more than {MAX_ENTRIES} files and folders")
        if self._bytes > self._max_bytes:
            raise self._refused(f"more than {self._max_bytes >> 20} MB")

    def _refused(self, what: str) -> DeploymentFailed:
        return DeploymentFailed(
            "source-too-large",
            f"the commit has {what}; up to {MAX_ENTRIES} files and folders with {self._max_bytes >> 20} MB "
            "can be built here",
            remedy="leave data out of the repository; the host's owner can raise SLIPWAY_SOURCE_MAX_BYTES",
        )


@dataclass
class Tree:
    """What a listing names of one commit, as far as fetching the rest needs it."""

    size: TreeSize
    """Of the commit with all that belongs to it."""
    submodules: dict[str, str] = field(default_factory=dict)
    """By path: the commit."""
    files: set[str] = field(default_factory=set)
    """Those of git's own that may matter: `.gitmodules`, `.lfsconfig`, and `.gitattributes` anywhere."""

    def add(self, line: str) -> None:
        """Raises `DeploymentFailed` (`source-too-large`)."""
        if not (found := _LINE.match(line)):
            return
        size, path = int(found["size"]) if found["size"] != "-" else 0, found["path"]
        self.size.add(size)
        if found["mode"] == _SUBMODULE:
            self.submodules[os.fsdecode(lfs.unquoted(path))] = found["id"]
        elif found["mode"] in _REGULAR and path.rpartition("/")[2] in _OF_GIT:
            self.files.add(path)
            if size > MAX_CONFIG_BYTES:
                raise _too_large(path)

    @property
    def has_attributes(self) -> bool:
        return any(path.rpartition("/")[2] == ".gitattributes" for path in self.files)


def _too_large(path: str) -> DeploymentFailed:
    return DeploymentFailed("source-too-large", f"{path[:200]} is larger than {MAX_CONFIG_BYTES >> 20} MB")
