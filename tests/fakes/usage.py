"""A stream of usage records in memory, and an edge that writes into it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slipway.core.usage.fields import LATENCY, TRAFFIC
from slipway.errors import DependencyUnavailable
from slipway.ports.events import StreamEntry


@dataclass
class FakeUsageStream:
    entries: list[StreamEntry] = field(default_factory=list)
    away: bool = False
    _added: int = 0

    def add(self, fields: Mapping[str, str]) -> None:
        self._added += 1
        self.entries.append(StreamEntry(f"1767225600000-{self._added}", dict(fields)))

    def put(self, *entries: StreamEntry) -> None:
        """These records once more, as new entries."""
        for each in entries:
            self.add(each.fields)

    def read(self, *, after: str = "", count: int) -> Sequence[StreamEntry]:
        self._reach()
        return [each for each in self.entries if _number(each.id) > _number(after)][:count]

    def remove(self, *, until: str) -> None:
        self._reach()
        self.entries = [each for each in self.entries if _number(each.id) > _number(until)]

    def _reach(self) -> None:
        if self.away:
            raise DependencyUnavailable("Redis does not answer")


@dataclass
class FakeEdge:
    """Counts and writes records as an edge does; `counted` is what it counted of each app."""

    id: str = "edge-1"
    boot: str = "6950e380abcdef"
    sequence: int = 0
    counted: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def record(self, at_s: float, used: Mapping[int, Sequence[int]], *, long_s: float = 1.0) -> dict[str, str]:
        """`used`: by app's id the numbers of a record; 0 stands for requests that belong to no app."""
        self.sequence += 1
        for app_id, values in used.items():
            for name, value in zip((*TRAFFIC, *LATENCY), values, strict=False):
                self.counted[app_id][name] += value
        apps = {str(app_id) if app_id else "": list(values) for app_id, values in used.items()}
        text = {"sequence": self.sequence, "from": at_s - long_s, "to": at_s, "apps": apps}
        return {"edge": self.id, "boot": self.boot, "sequence": str(self.sequence), "record": json.dumps(text)}


def _number(id_: str) -> int:
    return int(id_.partition("-")[2] or 0)
