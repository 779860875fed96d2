"""Where an Engine keeps its images, as seen from here."""

from __future__ import annotations

from pathlib import Path


def seen_from_here(root: Path, docker_host: str, own: Path = Path("/")) -> Path:
    """A folder on the file system of the Engine's data folder `root`, which may be missing when the Engine is far.

    In a container of the Engine at the other end of a unix socket, `root` is out of sight, but the container's own
    files (`own`) are kept on that file system, and a question for its free space is answered by that one.
    """
    return own if docker_host.startswith("unix:") and not root.exists() else root
