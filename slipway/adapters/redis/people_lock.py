"""One change at a time to the roles of a tenant's people: of two owners who remove each other, one stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import LockError, LockNotOwnedError, RedisError

from slipway.adapters.redis import keys
from slipway.errors import Conflict, DependencyUnavailable

_HELD_MOST_S = 60
_WAIT_S = 10


@contextmanager
def people_lock(redis: Redis, tenant_id: int) -> Iterator[None]:
    """
    Raises:
        Conflict: another change of the tenant's people takes too long.
        DependencyUnavailable: Redis does not answer.
    """
    lock = redis.lock(keys.changing_people(tenant_id), timeout=_HELD_MOST_S, blocking_timeout=_WAIT_S)
    try:
        lock.__enter__()
    except LockError as error:
        raise Conflict("Somebody else changes the tenant's people now.", remedy="try again") from error
    except RedisError as error:
        raise DependencyUnavailable("Redis does not answer, so nobody's role can be changed.") from error
    try:
        yield
    finally:
        with suppress(LockNotOwnedError, RedisError):  # it ends by itself
            lock.release()
