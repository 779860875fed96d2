"""Which of the events that were read are new.

An event carries the moment at which it happened, and can be read once its transaction is committed: later than one that
happened after it. So events are read again from some time before the newest, and are recognised by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

OVERLAP_MS = 30_000
"""A transaction that is committed later than this after its event is missed; Keycloak's take less than a second."""


@dataclass(frozen=True, slots=True)
class EventWindow:
    """How far events of one kind have been read. Times are milliseconds of Keycloak's clock."""

    newest_ms: int = 0
    seen: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """The ids of those within the overlap, with their times."""

    @property
    def since_ms(self) -> int:
        """From when on they have to be read again."""
        return max(0, self.newest_ms - OVERLAP_MS)

    def fresh(self, events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Those that were not seen before, each once, the oldest first."""
        found = {str(event["id"]): event for event in events if str(event["id"]) not in self.seen}
        return sorted(found.values(), key=lambda event: int(event["time"]))

    def after(self, events: Iterable[Mapping[str, Any]]) -> EventWindow:
        """The window once these have been dealt with."""
        times = {str(event["id"]): int(event["time"]) for event in events}
        newest = max([self.newest_ms, *times.values()])
        kept = {name: at for name, at in ({**self.seen, **times}).items() if at >= newest - OVERLAP_MS}
        return EventWindow(newest, kept)
