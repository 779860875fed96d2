"""Counts the files of a commit while git lists them: a repository of a few kilobytes can name a billion files."""

from __future__ import annotations

import re

from slipway.errors import DeploymentFailed

MAX_ENTRIES = 200_000
LISTING = ("ls-tree", "-r", "-t", "--long", "--full-tree")
"""Lists folders as well: empty ones cost git as much as files do."""
_LINE = re.compile(r"\d+ \w+ [0-9a-f]+ +(?P<size>\d+|-)\t")


class TreeSize:
    """Adds up the listing line by line, and refuses the commit as soon as it is too large."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries = 0
        self._bytes = 0

    def add(self, line: str) -> None:
        """Raises `DeploymentFailed` (`source-too-large`)."""
        if not (found := _LINE.match(line)):
            return
        self._entries += 1
        self._bytes += int(found["size"]) if found["size"] != "-" else 0
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
