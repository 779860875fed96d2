"""What hurries the agent up: wishes told through Redis, edges' confirmations, and the runtime's events.

All of it may be lost or away: the agent looks by itself every few seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from builder.agent.outages import Outages
from builder.agent.reality import Reality
from builder.agent.scheduler import Scheduler
from slipway.adapters.redis_routes import CONFIRMED
from slipway.core.rollout import WAIT_S
from slipway.errors import DependencyUnavailable
from slipway.ports.runtime import ContainerRuntime
from slipway.queue import WAKE_CHANNEL

log = logging.getLogger(__name__)

_CHECK_S = 1.0


class Waker:
    """Turns what is told into looks: at one app (`scheduler`), or at all of them (`look`)."""

    def __init__(
        self, scheduler: Scheduler, look: Callable[[], None], outages: Outages, stopped: threading.Event
    ) -> None:
        self._scheduler = scheduler
        self._look = look
        self._outages = outages
        self._stopped = stopped

    def listen(self, redis: Redis) -> None:
        """Follow wishes and confirmations until stopped. After a gap everything is looked at."""
        while not self._stopped.is_set():
            try:
                with redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(WAKE_CHANNEL, CONFIRMED)
                    self._look()
                    while not self._stopped.is_set():
                        self._hear(channel.get_message(timeout=_CHECK_S))
                        self._outages.recovered("redis")
            except RedisError as error:
                away = DependencyUnavailable(f"Redis does not answer: {error}")
                self._stopped.wait(self._outages.failed("redis", away))

    def watch(self, runtime: ContainerRuntime, reality: Reality) -> None:
        """Follow the runtime's events until stopped."""
        while not self._stopped.is_set():
            error = DependencyUnavailable("the runtime tells no more events")
            try:
                for app_id in runtime.changes():
                    self._outages.recovered("events")
                    reality.changed()
                    self._scheduler.wake(app_id)
            except DependencyUnavailable as away:
                error = away
            reality.changed()
            self._stopped.wait(self._outages.failed("events", error))

    def _hear(self, message: dict[str, object] | None) -> None:
        if message is None:
            return
        if _text(message["channel"]) == CONFIRMED:
            self._scheduler.hurry(2 * WAIT_S)
            return
        app_id = _text(message["data"])
        if app_id.isdecimal():
            self._scheduler.wake(int(app_id))
        self._look()  # a changed domain has to be published


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
