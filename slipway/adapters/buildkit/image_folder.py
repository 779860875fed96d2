"""The folder in which an Engine stores its images, as this process can reach it."""

from __future__ import annotations

from pathlib import Path


def seen_from_here(root: Path, docker_host: str, own: Path = Path("/")) -> Path:
    """A folder on the file system of the Engine's data folder `root`; it does not exist when the Engine is on another
    host.

    A process in a container of this Engine can't see `root`, but its own files (`own`) are on the same file system, so
    its free space is that of `own`.
    """
    return own if docker_host.startswith("unix:") and not root.exists() else root
