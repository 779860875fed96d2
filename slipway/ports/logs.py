"""The log of a deployment: live while it runs, compressed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class DeploymentLog(Protocol):
    """Lines are redacted before they come here and kept in order. Writing never stops a build: with Redis unreachable
    the lines go to disk alone, and a reader sees them at the end."""

    def append(self, deployment_id: int, line: str) -> None: ...

    def finish(self, deployment_id: int) -> None:
        """Keep it compressed on disk, end the live stream. Twice is once."""
        ...

    def read(self, deployment_id: int) -> Iterator[str]:
        """What there is so far, from the start."""
        ...

    def follow(self, deployment_id: int, *, after: str = "0") -> Iterator[tuple[str, str]]:
        """(position, line) from `after` on, as they come, until the log is finished. An empty line with the same
        position is a sign of life every few seconds."""
        ...

    def remove(self, deployment_id: int) -> None: ...
