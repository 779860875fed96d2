"""What wakes the agent, and what edges report to it.

An event is a hint: the agent looks at everything every few seconds, so a lost one costs seconds. A usage record is not:
it is read until it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AppChanged:
    """The app's desired state changed."""

    app_id: int


@dataclass(frozen=True, slots=True)
class AppRequested:
    """A request waits at an edge for this app, which nothing serves."""

    app_id: int


@dataclass(frozen=True, slots=True)
class EdgeConfirmed:
    """An edge confirmed a generation of the route table."""


@dataclass(frozen=True, slots=True)
class EventsMissed:
    """Events may have been lost: anything may have changed."""


Event = AppChanged | AppRequested | EdgeConfirmed | EventsMissed


class Events(Protocol):
    def app_changed(self, app_id: int) -> None:
        """Publish `AppChanged`. Never raises: an event that can't be sent is lost, and the log says so."""
        ...

    def listen(self) -> Iterator[Event | None]:
        """The events from now on. The first is `EventsMissed`, then come the requests that wait already. None about
        every second without an event, so that the caller can stop. Raises `DependencyUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """A record with its place in the stream."""

    id: str
    fields: Mapping[str, str]


class UsageStream(Protocol):
    """The records in which edges report what was used. An entry that was read stays until it is removed. Both calls
    raise `DependencyUnavailable`."""

    def read(self, *, after: str = "", count: int) -> Sequence[StreamEntry]:
        """The oldest entries, or those after one."""
        ...

    def remove(self, *, until: str) -> None:
        """Remove the entry and all before it. Twice is once."""
        ...
