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


def listen(
    redis: Redis, scheduler: Scheduler, look: Callable[[], None], outages: Outages, stopped: threading.Event
) -> None:
    """Follow both channels until `stopped`. `look` asks for a look at everything: what was told meanwhile is unknown."""
    while not stopped.is_set():
        try:
            with redis.pubsub(ignore_subscribe_messages=True) as channel:
                channel.subscribe(WAKE_CHANNEL, CONFIRMED)
                look()
                while not stopped.is_set():
                    _hear(channel.get_message(timeout=_CHECK_S), scheduler, look)
                    outages.recovered("redis")
        except RedisError as error:
            stopped.wait(outages.failed("redis", DependencyUnavailable(f"Redis does not answer: {error}")))


def _hear(message: dict[str, object] | None, scheduler: Scheduler, look: Callable[[], None]) -> None:
    if message is None:
        return
    if _text(message["channel"]) == CONFIRMED:
        scheduler.hurry(2 * WAIT_S)
        return
    text = _text(message["data"])
    if text.isdecimal():
        scheduler.wake(int(text))
    look()  # a changed domain has to be published


def watch(
    runtime: ContainerRuntime, reality: Reality, scheduler: Scheduler, outages: Outages, stopped: threading.Event
) -> None:
    """Follow the runtime's events until `stopped`."""
    while not stopped.is_set():
        try:
            for app_id in runtime.changes():
                outages.recovered("events")
                reality.changed()
                scheduler.wake(app_id)
            error = DependencyUnavailable("the runtime tells no more events")
        except DependencyUnavailable as away:
            error = away
        reality.changed()
        stopped.wait(outages.failed("events", error))


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
