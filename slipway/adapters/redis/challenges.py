"""What edges answer below `/.well-known/acme-challenge/`, for one host each, and for minutes at most."""

from __future__ import annotations

import re

from redis import Redis

from slipway.adapters.redis import keys

LIFETIME_S = 600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_ANSWER = re.compile(r"[A-Za-z0-9_.-]{1,512}")


class RedisChallenges:
    """Raises `RedisError` when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def offer(self, host: str, token: str, answer: str) -> None:
        """Have every edge answer `answer` when this host is asked for the token.

        Raises:
            ValueError: the token or the answer is none of ACME's: an authority that lies gets nothing else served.
        """
        if not _TOKEN.fullmatch(token) or not _ANSWER.fullmatch(answer):
            raise ValueError("no token of ACME")
        self._redis.set(keys.acme_challenge(token), f"{host} {answer}", ex=LIFETIME_S)

    def withdraw(self, token: str) -> None:
        self._redis.delete(keys.acme_challenge(token))
