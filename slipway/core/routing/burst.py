"""What several requests that were sent at once came to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one request."""

    status: int | None
    """None: there was no answer."""
    replica: str
    """Which answered; empty: it is not known."""
    total_s: float


@dataclass(frozen=True, slots=True)
class Burst:
    outcomes: Sequence[Outcome]

    @property
    def by_status(self) -> list[tuple[int | None, int]]:
        """The most frequent first."""
        return Counter(each.status for each in self.outcomes).most_common()

    @property
    def by_replica(self) -> list[tuple[str, int]]:
        """The one with the most answers first; without those of the edge itself."""
        return Counter(each.replica for each in self.outcomes if each.replica).most_common()

    def quantile_s(self, share: float) -> float:
        """How long that share of the requests took at most."""
        times = sorted(each.total_s for each in self.outcomes)
        return times[max(0, math.ceil(share * len(times)) - 1)]
