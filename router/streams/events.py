"""What use cases report while they follow something. How a client gets it is `router.streams.framing`'s business."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from router import documents
from router.streams import sse


@dataclass(frozen=True, slots=True)
class DeploymentLook:
    """A deployment as it was found, and the columns by which a change is noticed."""

    columns: tuple[Any, ...]
    document: documents.Deployment


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row as it changed last."""

    kind: str
    key: str
    app: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangesLook:
    """What of a tenant has changed lately, as it was found."""

    rows: frozenset[RowChange]
    at: datetime
    newest: tuple[datetime | None, ...] | None
    """When a row of each kind changed last; None: that was not known yet."""
    looked_at: datetime
    """`at`, or later, when nothing else was found."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Something of these topics has changed."""

    topics: tuple[str, ...]
    position: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands in cells of the page from now on, by the cells' names. It has no position: who comes back gets all
    figures as they are."""

    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StateChanged:
    """A deployment as it is now."""

    deployment: documents.Deployment


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A run as it is now."""

    run: documents.Run


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a deployment's log, or of a run's output."""

    position: str
    text: str


@dataclass(frozen=True)
class ReplicaLine:
    """A line that a replica printed."""

    replica: str
    text: str
    """`<time> <text>`."""

    @cached_property
    def time(self) -> str:
        return self.text.partition(" ")[0]

    @cached_property
    def framed(self) -> str:
        """Kept with the line, which is the same object for everyone who follows the replica: framed once for all."""
        data = json.dumps({"replica": self.replica, "line": self.text}, ensure_ascii=False)
        return sse.event("line", data, position=self.time)


@dataclass(frozen=True, slots=True)
class Notice:
    """Where lines of a replica are missing, and why."""

    replica: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will come."""


Event = Changed | Figures | StateChanged | RunChanged | LogLine | ReplicaLine | Notice | Ended
Batch = Sequence[Event]
"""Events that came together. An empty one says that nothing came for a moment."""
Events = Generator[Batch, None, None]
"""Gives a batch every few seconds at least, so that whoever reads it can stop."""
