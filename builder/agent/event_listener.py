"""Events that give apps a pass early: changes announced through Redis, edges' confirmations and requests, the runtime's
events.

Any of them may be lost: the agent compares everything by itself every few seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.observed_state import ObservedState
from builder.agent.scheduler import Scheduler
from slipway.adapters.redis.routes import CONFIRMED, WANTED
from slipway.adapters.redis.work_queue import WAKE_CHANNEL
from slipway.core.rollout.decide import WAIT_S
from slipway.errors import DependencyUnavailable
from slipway.ports.runtime import Change, ContainerRuntime

log = logging.getLogger(__name__)

_CHECK_S = 1.0


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

    def listen(self, redis: Redis) -> None:
        """Follow Redis until stopped. After a gap everything is compared."""
        while not self._stopped.is_set():
            try:
                with redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(WAKE_CHANNEL, CONFIRMED, WANTED)
                    self._handlers.check_all()
                    self._handle_missed(redis)
                    while not self._stopped.is_set():
                        self._handle(channel.get_message(timeout=_CHECK_S))
                        self._dependency_backoff.recovered("redis")
            except RedisError as error:
                unreachable = DependencyUnavailable(f"Redis does not answer: {error}")
                self._stopped.wait(self._dependency_backoff.failed("redis", unreachable))

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

    def _handle_missed(self, redis: Redis) -> None:
        """An edge asks once and then waits: what it asked for while nobody listened is still in its key."""
        for key in redis.scan_iter(match=f"{WANTED}:*"):
            self._activate(_text(key).removeprefix(f"{WANTED}:"))

    def _handle(self, message: dict[str, object] | None) -> None:
        if message is None:
            return
        channel, data = _text(message["channel"]), _text(message["data"])
        if channel == CONFIRMED:
            self._scheduler.hurry(2 * WAIT_S)
        elif channel == WANTED:
            self._activate(data)
        elif data.isdecimal():
            self._scheduler.wake(int(data))
            self._handlers.publish()
        else:
            self._handlers.check_all()

    def _activate(self, app_id: str) -> None:
        if app_id.isdecimal():
            self._handlers.activate(int(app_id))


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
