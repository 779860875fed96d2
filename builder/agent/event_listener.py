"""Events that give apps a pass early: changes of rows, edges' confirmations and requests, the runtime's events.

Any of them may be lost: the agent compares everything by itself every few seconds. A new source of events is a method
here and a row of `EventListener.sources`. A new event has, through Redis, a class in its port and a case in `_handle`;
of the runtime, a member of `Happened`.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.observed_state import ObservedState
from builder.agent.scheduler import Scheduler
from slipway.core.rollout.decide import WAIT_S
from slipway.errors import DependencyUnavailable
from slipway.ports.events import AppChanged, AppRequested, EdgeConfirmed, Event, Events
from slipway.ports.runtime import Change, ContainerRuntime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handlers:
    """What is called for an event. None may take long: the next event waits."""

    check_all: Callable[[], None]
    """Compare all apps: events may have been missed."""
    publish: Callable[[], None]
    """Routes may have changed: publish those that did."""
    activate: Callable[[int], None]
    """A request waits at an edge for this app."""
    change: Callable[[Change], None]
    """Something happened to a container."""


class EventListener:
    """Turns events into passes of one app (`scheduler`) and calls of `handlers`."""

    def __init__(
        self, scheduler: Scheduler, handlers: Handlers, dependency_backoff: DependencyBackoff, stopped: threading.Event
    ) -> None:
        self._scheduler = scheduler
        self._handlers = handlers
        self._dependency_backoff = dependency_backoff
        self._stopped = stopped

    def sources(
        self, events: Events, runtime: ContainerRuntime, observed_state: ObservedState
    ) -> Mapping[str, Callable[[], None]]:
        """Every source of events, with what follows it until stopped, in a thread of its own."""
        return {
            "redis events": functools.partial(self.listen, events),
            "runtime events": functools.partial(self.watch, runtime, observed_state),
        }

    def listen(self, events: Events) -> None:
        """Follow changes, waiting requests and confirmations until stopped. After a gap everything is compared."""
        while not self._stopped.is_set():
            try:
                self._follow(events)
            except DependencyUnavailable as error:
                self._stopped.wait(self._dependency_backoff.failed("redis", error))

    def watch(self, runtime: ContainerRuntime, observed_state: ObservedState) -> None:
        """Follow the runtime's events until stopped."""
        while not self._stopped.is_set():
            error = DependencyUnavailable("the runtime sends no more events")
            try:
                for change in runtime.changes():
                    self._dependency_backoff.recovered("events")
                    self._handlers.change(change)
                    self._scheduler.wake(change.app_id)
            except DependencyUnavailable as unreachable:
                error = unreachable
            observed_state.forget_reports()
            self._stopped.wait(self._dependency_backoff.failed("events", error))

    def _follow(self, events: Events) -> None:
        for event in events.listen():
            if event is not None:
                self._handle(event)
            self._dependency_backoff.recovered("redis")
            if self._stopped.is_set():
                return

    def _handle(self, event: Event) -> None:
        match event:
            case EdgeConfirmed():
                self._scheduler.hurry(2 * WAIT_S)
            case AppRequested(app_id):
                self._handlers.activate(app_id)
            case AppChanged(app_id):
                self._scheduler.wake(app_id)
                self._handlers.publish()
            case _:
                self._handlers.check_all()
