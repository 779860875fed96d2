"""The end of a replica's output, kept compressed after its container is gone."""

from __future__ import annotations

import gzip
import heapq
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from slipway.core.text.rewritten_lines import as_seen
from slipway.errors import NotFound
from slipway.ports.runtime import ContainerRuntime
from slipway.settings import Settings

_TAIL_LINES = 20_000


def path_of(settings: Settings, replica_id: str) -> Path:
    return settings.log_dir / "replicas" / f"{replica_id}.log.gz"


def keep(
    settings: Settings, runtime: ContainerRuntime, replica_id: str, container_id: str, notes: Iterable[bytes] = ()
) -> None:
    """Keep the last `output_kept_bytes`, together with what was kept of the replica's earlier containers.

    Args:
        notes: lines of the platform's own about the container, in the order of their times.
    """
    path = path_of(settings, replica_id)
    before = list(kept(settings, replica_id))
    try:
        new = with_notes(runtime.logs(container_id, tail=_TAIL_LINES), notes)
        lines = _last(joined(before, new), settings.output_kept_bytes)
    except NotFound:
        return  # somebody removed it
    if not lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    aside = path.with_suffix(".new")
    with gzip.open(aside, "wb", compresslevel=6) as file:
        file.writelines(lines)
    os.replace(aside, path)


def kept(settings: Settings, replica_id: str) -> Iterator[bytes]:
    """The kept lines, oldest first; nothing when there are none."""
    path = path_of(settings, replica_id)
    if path.exists():
        with gzip.open(path, "rb") as file:
            yield from file


def with_notes(lines: Iterable[bytes], notes: Iterable[bytes]) -> Iterator[bytes]:
    """The notes stand where their times say."""
    return heapq.merge(lines, notes, key=_time)


def joined(before: Sequence[bytes], new: Iterable[bytes]) -> Iterator[bytes]:
    """What was kept, then what is newer: keeping twice is once."""
    last = _time(before[-1]) if before else b""
    yield from before
    for line in new:
        if not before or _time(line) > last:
            yield line


def tail(runtime: ContainerRuntime, container_id: str, lines: int) -> str:
    """The last lines without their times, for a deployment's error."""
    return without_times(runtime.logs(container_id, tail=lines))


def without_times(lines: Iterable[bytes]) -> str:
    """The lines as they would look on a terminal."""
    found = (line.decode(errors="replace").rstrip("\n") for line in lines)
    return "\n".join(as_seen(line.partition(" ")[2]) for line in found)


def time_of(line: bytes) -> str:
    """The RFC 3339 time that a line begins with; these sort as text."""
    return _time(line).decode("ascii", "replace")


def _time(line: bytes) -> bytes:
    """Lines begin with it, and it sorts as text."""
    return line.partition(b" ")[0]


def _last(lines: Iterable[bytes], size_bytes: int) -> list[bytes]:
    held: deque[bytes] = deque()
    total = 0
    for line in lines:
        held.append(line)
        total += len(line)
        while total > size_bytes and len(held) > 1:
            total -= len(held.popleft())
    return list(held)
