"""The agent's events through Redis: published messages, and keys of requests that wait."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable
from slipway.ports.events import AppChanged, AppRequested, EdgeConfirmed, Event, EventsMissed

log = logging.getLogger(__name__)

_QUIET_S = 1.0
_CHANGED = "changed "


class RedisEvents:
    """`slipway.ports.events.Events`. To listen, the client's reads have to be allowed to take longer than a second."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def app_changed(self, app_id: int) -> None:
        try:
            self._redis.publish(keys.WAKE, f"{_CHANGED}{app_id}")
        except RedisError as error:
            log.warning("agent not woken, it will look by itself", extra={"app_id": app_id, "why": str(error)})

    def listen(self) -> Iterator[Event | None]:
        try:
            with self._redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                channel.subscribe(keys.WAKE, keys.CONFIRMED)
                yield EventsMissed()
                yield from self._waiting_already()
                while True:
                    message = channel.get_message(timeout=_QUIET_S)
                    yield _event(_text(message["channel"]), _text(message["data"])) if message else None
        except RedisError as error:
            raise DependencyUnavailable(f"Redis does not answer: {error}") from error

    def _waiting_already(self) -> Iterator[Event]:
        """An edge publishes a request once and then waits; the key stands until the request goes on."""
        for key in self._redis.scan_iter(match=keys.awaited("*")):
            app_id = keys.awaited_app(_text(key))
            if app_id.isdecimal():
                yield AppRequested(int(app_id))


def _event(channel: str, data: str) -> Event:
    if channel == keys.CONFIRMED:
        return EdgeConfirmed()
    if data.isdecimal():
        return AppRequested(int(data))
    app_id = data.removeprefix(_CHANGED)
    return AppChanged(int(app_id)) if app_id.isdecimal() else EventsMissed()


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
