"""Folds the usage stream as docs/reference/usage-stream.md says: the smallest reader that counts everything once."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import redis

from slipway.core.usage.fields import LATENCY

STREAM = "slipway:usage"
FIELDS = ("1xx", "2xx", "3xx", "4xx", "5xx", "bytes_in", "bytes_out", "duration_ms", *LATENCY)


@dataclass
class UsageReader:
    client: redis.Redis
    folded: dict[tuple[str, str], int] = field(default_factory=dict)
    """(edge, boot) → the last number that counts already."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    used: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: dict.fromkeys(FIELDS, 0)))
    """App → what it used."""
    records: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> UsageReader:
        """All that is in the stream, from its start."""
        for _, fields in self.client.xrange(STREAM):
            self._fold({name.decode(): value.decode() for name, value in fields.items()})
        return self

    def requests(self, app: str = "1") -> int:
        self.read()
        return sum(self.used[app][name] for name in FIELDS[:5])

    def timed(self, app: str = "1") -> list[int]:
        """Requests in each bucket of duration."""
        self.read()
        return [self.used[app][name] for name in LATENCY]

    def _fold(self, fields: dict[str, str]) -> None:
        life, number = (fields["edge"], fields["boot"]), int(fields["sequence"])
        last = self.folded.get(life, 0)
        if number <= last:
            return
        if number != last + 1:
            self.gaps.append((last, number))
        self.folded[life] = number
        record = json.loads(fields["record"])
        assert record["sequence"] == number
        self.records.append(record)
        for app, values in record["apps"].items():
            for name, value in zip(FIELDS, values, strict=True):
                self.used[app][name] += value
