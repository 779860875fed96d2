"""The end of a replica's output, kept compressed after its container is gone."""

from __future__ import annotations

import gzip
import heapq
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from slipway.core.text.control_sequences import decoded, without_controls
from slipway.core.text.rewritten_lines import as_seen
from slipway.errors import NotFound
from slipway.ports.runtime import ContainerRuntime

_TAIL_LINES = 20_000


class OutputStore:
    """One file a replica, in `folder`, of at most `size_bytes` of output."""

    def __init__(self, runtime: ContainerRuntime, folder: Path, size_bytes: int) -> None:
        self._runtime = runtime
        self._folder = folder
        self._size_bytes = size_bytes

    def keep(self, replica_id: str, container_id: str, notes: Iterable[bytes] = ()) -> None:
        """Keep the end of the container's output, after what was kept of the replica's earlier containers.

        Args:
            notes: lines of the platform's own about the container, in the order of their times.
        """
        before = list(self.kept(replica_id))
        try:
            new = with_notes(self._runtime.logs(container_id, tail=_TAIL_LINES), notes)
            lines = _last(joined(before, new), self._size_bytes)
        except NotFound:
            return  # somebody removed it
        if lines:
            self._write(self.path_of(replica_id), lines)

    def kept(self, replica_id: str) -> Iterator[bytes]:
        """The kept lines, oldest first; nothing when there are none."""
        path = self.path_of(replica_id)
        if path.exists():
            with gzip.open(path, "rb") as file:
                yield from file

    def remove(self, replica_id: str) -> None:
        self.path_of(replica_id).unlink(missing_ok=True)

    def path_of(self, replica_id: str) -> Path:
        return self._folder / f"{replica_id}.log.gz"

    def _write(self, path: Path, lines: Iterable[bytes]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        aside = path.with_suffix(".new")
        with gzip.open(aside, "wb", compresslevel=6) as file:
            file.writelines(lines)
        os.replace(aside, path)


def with_notes(lines: Iterable[bytes], notes: Iterable[bytes]) -> Iterator[bytes]:
    """The lines and the notes in the order of their times."""
    return heapq.merge(lines, notes, key=_time)


def joined(before: Sequence[bytes], new: Iterable[bytes]) -> Iterator[bytes]:
    """What was kept, then those lines that are newer, so that keeping twice repeats none."""
    last = _time(before[-1]) if before else b""
    yield from before
    for line in new:
        if not before or _time(line) > last:
            yield line


def tail(runtime: ContainerRuntime, container_id: str, lines: int) -> str:
    """The last lines without their times, for a deployment's error."""
    return without_times(runtime.logs(container_id, tail=lines))


def without_times(lines: Iterable[bytes]) -> str:
    """The lines as they would look on a terminal, without colours."""
    found = (decoded(line).rstrip("\n") for line in lines)
    return "\n".join(without_controls(as_seen(line.partition(" ")[2])) for line in found)


def time_of(line: bytes) -> str:
    """The RFC 3339 time that a line begins with; these sort as text."""
    return _time(line).decode("ascii", "replace")


def _time(line: bytes) -> bytes:
    """Lines begin with it, and it sorts as text."""
    return line.partition(b" ")[0]


def _last(lines: Iterable[bytes], size_bytes: int) -> list[bytes]:
    last: deque[bytes] = deque()
    total = 0
    for line in lines:
        last.append(line)
        total += len(line)
        while total > size_bytes and len(last) > 1:
            total -= len(last.popleft())
    return list(last)
