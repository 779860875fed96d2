"""Which callers the limits of an app refused most, as edges count it in Redis (docs/reference/edge-protocol.md)."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable
from slipway.ports.clock import Clock

HOUR_S = 3600
MOST = 20
_TOKEN = "token "  # noqa: S105
_USER = "user "


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many requests of a caller one limit refused, or would have refused."""

    scope: str
    """`app`, `tenant` or `plan`: whose limit it is."""
    limit: str
    caller: str
    """An address, an IPv6 /64 as 16 hexadecimal digits, `user` with a person's `sub`, or `all`; empty for a token."""
    token_digest: str
    requests: int

    @property
    def sub(self) -> str:
        """Of a person; else empty."""
        return self.caller.removeprefix(_USER) if self.caller.startswith(_USER) else ""


class LimitRefusals:
    def __init__(self, redis: Redis, *, clock: Clock = time.time) -> None:
        self._redis = redis
        self._clock = clock

    def of_app(self, app_id: int) -> list[Refusals]:
        """In this hour and the one before, the most first.

        Raises:
            DependencyUnavailable: Redis does not answer.
        """
        hour = int(self._clock() // HOUR_S)
        counts: Counter[str] = Counter()
        try:
            for each in (hour - 1, hour):
                found: list[Any] = self._redis.zrevrange(
                    keys.limit_refusals(app_id, each), 0, MOST - 1, withscores=True
                )
                counts.update({member.decode(): int(count) for member, count in found})
        except RedisError as error:
            raise DependencyUnavailable("Redis does not answer, so refused callers can't be read.") from error
        return [_refusals(member, count) for member, count in counts.most_common(MOST)]


def _refusals(member: str, count: int) -> Refusals:
    limit_id, _, caller = member.removeprefix(f"{keys.LIMIT_STATE}:").rpartition("|")
    owner, _, name = limit_id.partition("/")
    digest = caller.removeprefix(_TOKEN) if caller.startswith(_TOKEN) else ""
    return Refusals(owner.partition("-")[0], name, "" if digest else caller, digest, count)
