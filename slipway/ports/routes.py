"""The way from the agent to the edges (docs/reference/edge-protocol.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Entries = Mapping[str, dict[str, Any] | None]
"""Host → entry; None: the host is gone."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a route table, or an edge's copy of it, is."""

    epoch: str
    generation: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Requests and open connections under way to a target."""

    requests: int
    """All of them."""
    streams: int = 0
    """Those of them that may last long: WebSockets and server-sent events."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a target is."""

    cpu: float
    """Share of the CPUs that it may use, 0 to 1."""
    at: float
    """Unix seconds of the look."""


class RoutePublisher(Protocol):
    """Raises `DependencyUnavailable` when the edges can't be reached; nothing was published then."""

    def position(self) -> Position | None:
        """What is published; None: nothing, or it was lost."""
        ...

    def publish(self, position: Position, changes: Entries) -> None:
        """One generation's changes, all or nothing."""
        ...

    def publish_all(self, position: Position, table: Entries) -> None:
        """The whole table under a new epoch."""
        ...

    def confirmations(self) -> Mapping[str, Position]:
        """Edge → the position whose whole content its memory holds."""
        ...

    def inflight(self, edges: Collection[str], target_ids: Collection[str]) -> Mapping[str, Mapping[str, UnderWay]]:
        """Edge → target → what is under way, in one call. An edge that did not report lately is missing."""
        ...

    def publish_loads(self, loads: Mapping[str, Load]) -> None:
        """Target → how busy it is; all that is known, in place of what was published before."""
        ...
