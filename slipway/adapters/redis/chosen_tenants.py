"""The tenant that a person of several last chose to act in. Whoever uses it looks whether they still are in it."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable

KEPT_S = 400 * 86400


def read(redis: Redis, sub: str) -> str:
    """Empty: none is known. Raises `DependencyUnavailable`."""
    try:
        found = redis.get(keys.chosen_tenant(sub))
    except RedisError as error:
        raise DependencyUnavailable("Redis does not answer, so the tenant last chosen is not known.") from error
    return found.decode(errors="replace") if isinstance(found, bytes) else ""


def write(redis: Redis, sub: str, tenant: str) -> None:
    """Raises `DependencyUnavailable`."""
    try:
        redis.set(keys.chosen_tenant(sub), tenant, ex=KEPT_S)
    except RedisError as error:
        raise DependencyUnavailable("Redis does not answer, so the choice is not kept.", remedy="try again") from error
