"""The records in which edges tell what was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """A record with its place in the stream."""

    id: str
    fields: Mapping[str, str]


class UsageStream(Protocol):
    """Both raise `DependencyUnavailable`. An entry that was read stays until it is removed."""

    def read(self, *, after: str = "", count: int) -> Sequence[StreamEntry]:
        """The oldest entries, or those after one."""
        ...

    def remove(self, *, until: str) -> None:
        """Remove the entry and all before it. Twice is once."""
        ...
