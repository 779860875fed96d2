"""Paths of a repository below a folder, opened without following any link: what a commit has is not trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(root: Path, path: str) -> Iterator[int]:
    """A folder's descriptor.

    Raises:
        OSError: there is no such folder, or its path has a link.
    """
    current = os.open(root, _FOLDER)
    try:
        for part in path.split("/"):
            if part in ("", "."):
                continue
            following = os.open(part, _FOLDER, dir_fd=current)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def is_empty(root: Path, path: str) -> bool:
    """Is there an empty folder, with no link in its path? As git leaves one where a submodule belongs."""
    if ".." in path.split("/"):
        return False
    try:
        with opened(root, path) as descriptor:
            return not os.listdir(descriptor)
    except OSError:
        return False
