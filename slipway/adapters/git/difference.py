"""Which files differ between two commits: git fetches their trees without the files' contents, and compares them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from slipway.errors import DeploymentFailed

MAX_FILES = 10_000
MAX_LISTING_BYTES = 1 << 20
FETCH_TIMEOUT_S = 120.0
COMPARE_TIMEOUT_S = 30.0
DEPTH = 50
"""How many commits of each branch are fetched from a server that gives no commit by its id."""
_FETCH = ("fetch", "--quiet", "--no-tags", "--filter=blob:none")
_COMPARE = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")


class Git(Protocol):
    """git in a local repository, with access to the remote one at `url`."""

    url: str

    def git(self, arguments: list[str], *, timeout_s: float) -> str:
        """Raises `DeploymentFailed`."""
        ...


def changed_files(access: Git, old: str, new: str, listing: Path) -> frozenset[str]:
    """Files that were added, removed or modified (in content, mode, kind or submodule commit). A renamed file is named
    twice. `listing` is the path of a file that git writes. Names are decoded by `os.fsdecode`.

    Raises:
        DeploymentFailed: a commit can't be fetched, or too many files differ.
    """
    _fetch(access, old, new)
    compare = [*_COMPARE, f"--output={listing}", old, new]
    access.git(compare, timeout_s=COMPARE_TIMEOUT_S)
    names = listing.read_bytes().split(b"\0")[:-1] if listing.stat().st_size <= MAX_LISTING_BYTES else None
    if names is None or len(names) > MAX_FILES:
        raise DeploymentFailed("source-too-large", f"more than {MAX_FILES} files differ, or their names are too long")
    return frozenset(map(os.fsdecode, names))


def _fetch(access: Git, *commits: str) -> None:
    try:
        access.git([*_FETCH, "--depth=1", "--", access.url, *commits], timeout_s=FETCH_TIMEOUT_S)
    except DeploymentFailed as error:
        if error.reason != "commit-missing":
            raise
        branches = [f"--depth={DEPTH}", "--", access.url, "+refs/heads/*:refs/heads/*"]
        access.git([*_FETCH, *branches], timeout_s=FETCH_TIMEOUT_S)
