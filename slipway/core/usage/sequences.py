"""Which records of an edge's boot have been counted: all up to the last, but for the gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Gap(NamedTuple):
    """Records that were not there when a later one was read: trimmed, lost by Redis, or on their way."""

    first: int
    last: int


@dataclass(slots=True)
class Sequences:
    """`count` says whether a record counts now. Each counts once, whatever the order in which they come."""

    last: int = 0
    gaps: list[Gap] = field(default_factory=list)

    def count(self, sequence: int) -> bool:
        if sequence > self.last:
            if sequence > self.last + 1:
                self.gaps.append(Gap(self.last + 1, sequence - 1))
            self.last = sequence
            return True
        for index, gap in enumerate(self.gaps):
            if gap.first <= sequence <= gap.last:
                self.gaps[index : index + 1] = _without(gap, sequence)
                return True
        return False


def _without(gap: Gap, sequence: int) -> Iterator[Gap]:
    if gap.first < sequence:
        yield Gap(gap.first, sequence - 1)
    if sequence < gap.last:
        yield Gap(sequence + 1, gap.last)
