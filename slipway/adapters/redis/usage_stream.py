"""`slipway.ports.usage.UsageStream` on a Redis stream (docs/reference/usage-stream.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable
from slipway.ports.usage import StreamEntry

_ABSENT = "Redis does not answer, so what was used is counted later."


class RedisUsageStream:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def read(self, *, after: str = "", count: int) -> Sequence[StreamEntry]:
        try:
            found: Any = self._redis.xrange(keys.USAGE, min=f"({after}" if after else "-", count=count)
        except RedisError as error:
            raise DependencyUnavailable(_ABSENT) from error
        return [StreamEntry(_text(id_), {_text(k): _text(v) for k, v in fields.items()}) for id_, fields in found]

    def remove(self, *, until: str) -> None:
        milliseconds, _, number = until.partition("-")
        try:
            self._redis.xtrim(keys.USAGE, minid=f"{milliseconds}-{int(number) + 1}", approximate=False)
        except RedisError as error:
            raise DependencyUnavailable(_ABSENT) from error


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
