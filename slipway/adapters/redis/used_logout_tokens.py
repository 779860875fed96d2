"""Logout tokens that were used: each is good once. A token is marked after what it ordered is done, so that one whose
order failed can come again."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable

_MESSAGE = "Redis does not answer, so sessions can't be ended."


def is_used(redis: Redis, jti: str) -> bool:
    """Raises `DependencyUnavailable`."""
    try:
        return bool(redis.exists(keys.used_logout_token(jti)))
    except RedisError as error:
        raise DependencyUnavailable(_MESSAGE) from error


def mark(redis: Redis, jti: str, for_s: float) -> None:
    """Raises `DependencyUnavailable`."""
    try:
        redis.set(keys.used_logout_token(jti), 1, px=max(1, int(for_s * 1000)))
    except RedisError as error:
        raise DependencyUnavailable(_MESSAGE) from error
