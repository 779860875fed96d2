"""How far the identity provider's events have been followed, kept in Redis over restarts."""

from __future__ import annotations

import json
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.core.identity.event_window import EventWindow
from slipway.errors import DependencyUnavailable
from slipway.ports.identity import Position

_KEPT_S = 24 * 3600
"""Twice as long as any session lives: what happened before concerns nobody who is signed in."""


class IdentityPosition:
    """Both raise `DependencyUnavailable` when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def read(self) -> Position:
        """The start where Redis has none, or one that another version wrote."""
        try:
            found = self._redis.get(keys.IDENTITY_POSITION)
        except RedisError as error:
            raise DependencyUnavailable("Redis does not answer.") from error
        try:
            fields = json.loads(found) if isinstance(found, bytes) else {}
            return Position(**{name: _window(fields[name]) for name in ("admin", "people") if name in fields})
        except (AttributeError, KeyError, TypeError, ValueError):
            return Position()

    def write(self, position: Position) -> None:
        fields = {name: _plain(getattr(position, name)) for name in ("admin", "people")}
        try:
            self._redis.set(keys.IDENTITY_POSITION, json.dumps(fields, separators=(",", ":")), ex=_KEPT_S)
        except RedisError as error:
            raise DependencyUnavailable("Redis does not answer.") from error


def _plain(window: EventWindow) -> dict[str, Any]:
    return {"newest_ms": window.newest_ms, "seen": dict(window.seen)}


def _window(fields: dict[str, Any]) -> EventWindow:
    return EventWindow(int(fields["newest_ms"]), {str(name): int(at) for name, at in fields["seen"].items()})
