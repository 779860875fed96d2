"""The way to the edges, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from slipway.errors import DependencyUnavailable
from slipway.ports.routes import Entries, Load, Position, UnderWay


class FakePublisher:
    """The table in memory, and edges that confirm when a test says so (or at once: `confirm_at_once`)."""

    def __init__(self, *edges: str, confirm_at_once: bool = False) -> None:
        self.edges = edges
        self.confirm_at_once = confirm_at_once
        self.away = False
        self.table: dict[str, dict[str, Any]] = {}
        self.published: list[Position] = []
        self.counts: dict[tuple[str, str], int | None] = {}
        """(edge, target) → requests under way; None: the edge does not report. 0 unless given."""
        self.inflight_calls = 0
        self.loads: dict[str, Load] = {}
        self._position: Position | None = None
        self._confirmed: dict[str, Position] = {}

    def position(self) -> Position | None:
        self._reach()
        return self._position

    def publish(self, position: Position, changes: Entries) -> None:
        self._reach()
        held = self._position
        if held is None or held.epoch != position.epoch or position.generation - held.generation not in (0, 1):
            raise DependencyUnavailable("not the table that was published")
        for host, entry in changes.items():
            if entry is None:
                self.table.pop(host, None)
            else:
                self.table[host] = entry
        self._moved(position)

    def publish_all(self, position: Position, table: Entries) -> None:
        self._reach()
        self.table = {host: entry for host, entry in table.items() if entry is not None}
        self._moved(position)

    def confirmations(self) -> Mapping[str, Position]:
        self._reach()
        return dict(self._confirmed)

    def inflight(self, edges: Collection[str], target_ids: Collection[str]) -> Mapping[str, Mapping[str, UnderWay]]:
        self._reach()
        self.inflight_calls += 1
        return {edge: self._under_way(edge, target_ids) for edge in edges if self._reports(edge, target_ids)}

    def publish_loads(self, loads: Mapping[str, Load]) -> None:
        self._reach()
        self.loads = dict(loads)

    # -- what tests do -------------------------------------------------------------------------------------------------

    def confirm(self, *edges: str) -> None:
        """These edges (all, when none is named) confirm what is published."""
        assert self._position is not None
        for edge in edges or self.edges:
            self._confirmed[edge] = self._position

    def lose(self) -> None:
        """Redis comes back empty."""
        self.table, self._position = {}, None

    def _reports(self, edge: str, target_ids: Collection[str]) -> bool:
        return edge in self._confirmed and all(self.counts.get((edge, each), 0) is not None for each in target_ids)

    def _under_way(self, edge: str, target_ids: Collection[str]) -> dict[str, UnderWay]:
        counts = self.counts
        return {
            each: UnderWay(counts.get((edge, each)) or 0, counts.get((edge, f"{each} streams")) or 0)
            for each in target_ids
        }

    def _moved(self, position: Position) -> None:
        self._position = position
        self.published.append(position)
        if self.confirm_at_once:
            self.confirm()

    def _reach(self) -> None:
        if self.away:
            raise DependencyUnavailable("the routes can't be published")
