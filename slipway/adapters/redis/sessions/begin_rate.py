"""How many logins may begin in a minute: each leaves a record in Redis, and a stranger can begin one."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.sessions.answers import answering
from slipway.errors import TooManyLogins

BY_ADDRESS = 30
IN_ALL = 600
WINDOW_S = 60
_EVERYBODY = "all"
_PREFIX = 64
"""Whoever has one address of IPv6 has all of its /64."""


class BeginRate:
    """Counts the logins of one kind from the first on, for a minute."""

    def __init__(self, redis: Redis, kind: str) -> None:
        self._redis = redis
        self._kind = kind

    def require(self, address: str) -> None:
        """Count one more. What is too much for one address does not count among all.

        Raises:
            TooManyLogins: there were as many already.
        """
        self._count(_caller(address), BY_ADDRESS, "From your address")
        self._count(_EVERYBODY, IN_ALL, "On this host")

    def _count(self, caller: str, most: int, where: str) -> None:
        key = keys.begun_logins(self._kind, caller)
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=WINDOW_S, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, left_s = pipe.execute()
        if count > most:
            raise TooManyLogins(
                f"{where} more than {most} sign-ins began within a minute, as many as may.",
                remedy="wait a minute, and sign in again",
                retry_after_s=max(1, left_s),
            )


def _caller(address: str) -> str:
    """Those whose address is not known count together."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or IPv6Network((parsed, _PREFIX), strict=False).network_address)
    return str(parsed)
