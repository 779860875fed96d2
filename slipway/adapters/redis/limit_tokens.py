"""Tells the edges' limits through Redis which tokens are real: an invented one is no caller of its own."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable
from slipway.ports.limits import LimitToken

log = logging.getLogger(__name__)


class RedisLimitTokens:
    """`slipway.ports.limits.LimitTokens`. What `add` and `remove` could not write the next `replace` does."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, token: LimitToken) -> None:
        try:
            self._redis.hset(keys.LIMIT_TOKENS, token.digest, _row(token))
        except RedisError as error:
            log.warning("limits learn of a token later", extra={"why": str(error)})

    def remove(self, digest: str) -> None:
        try:
            self._redis.hdel(keys.LIMIT_TOKENS, digest)
        except RedisError as error:
            log.warning("limits learn of a revoked token later", extra={"why": str(error)})

    def replace(self, tokens: Collection[LimitToken]) -> None:
        """Raises `DependencyUnavailable`."""
        wanted = {token.digest: _row(token) for token in tokens}
        try:
            held = {key.decode(): value.decode() for key, value in self._redis.hgetall(keys.LIMIT_TOKENS).items()}  # type: ignore[union-attr]
            gone, new = held.keys() - wanted.keys(), wanted.items() - held.items()
            if not gone and not new:
                return
            with self._redis.pipeline(transaction=True) as pipe:
                if gone:
                    pipe.hdel(keys.LIMIT_TOKENS, *gone)
                if new:
                    pipe.hset(keys.LIMIT_TOKENS, mapping=dict(new))
                pipe.execute()
        except RedisError as error:
            raise DependencyUnavailable("Redis does not answer, so limits do not learn of tokens.") from error


def _row(token: LimitToken) -> str:
    expires_s = math.floor(token.expires_at.timestamp()) if token.expires_at else 0
    return f"{token.tenant}|{expires_s}"
