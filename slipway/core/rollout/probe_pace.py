"""How quickly a replica that starts is probed: as often at the beginning as a push needs, then less and less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from slipway.core.rollout.failure import ProbeCause

_UNSEEN = frozenset({None, ProbeCause.REFUSED, ProbeCause.NO_CONNECTION})
"""Of such a probe the app takes no notice: it fills no log."""
_LONGEST_S = 1.0


@dataclass(frozen=True, slots=True)
class ProbePace:
    """The probes of a replica so far. The pause before the next is a twentieth of the time for which nothing took a
    connection, and a fifth of the time for which the app answered badly, since each of those is a line of its log."""

    tries: int = 0
    seen: int = 0
    """Those of which the app took notice."""

    @property
    def pause_s(self) -> float:
        """Before the next probe; 0 before the first."""
        if not self.tries:
            return 0.0
        unseen_s = 0.005 * 1.05 ** min(self.tries - self.seen, 200)
        seen_s = 0.05 * 1.2 ** min(self.seen, 50) if self.seen else 0.0
        return min(_LONGEST_S, max(unseen_s, seen_s))

    def after(self, cause: ProbeCause | None) -> Self:
        """With one more probe, which failed for that cause or was answered well."""
        return type(self)(self.tries + 1, self.seen + (cause not in _UNSEEN))


NOT_PROBED = ProbePace()
