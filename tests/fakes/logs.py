"""Deployments' logs in memory."""

from __future__ import annotations

from collections.abc import Iterator


class FakeLog:
    """Lines in memory."""

    def __init__(self) -> None:
        self.lines: dict[int, list[str]] = {}
        self.finished: set[int] = set()
        self.removed: list[int] = []

    def append(self, deployment_id: int, line: str) -> None:
        self.lines.setdefault(deployment_id, []).append(line)

    def finish(self, deployment_id: int) -> None:
        self.finished.add(deployment_id)

    def read(self, deployment_id: int) -> Iterator[str]:
        yield from self.lines.get(deployment_id, ())

    def follow(self, deployment_id: int, *, after: str = "0") -> Iterator[tuple[str, str]]:
        for position, line in enumerate(self.lines.get(deployment_id, ()), start=1):
            if position > int(after):
                yield str(position), line

    def remove(self, deployment_id: int) -> None:
        self.removed.append(deployment_id)
        self.lines.pop(deployment_id, None)
