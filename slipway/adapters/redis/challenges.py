"""What proves to an authority that a name is ours: what edges answer below `/.well-known/acme-challenge/`, for one host
each and for minutes at most, and TXT records in the platform's zone, which certbot's plug-in writes and the responder
answers."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from redis import Redis

from slipway.adapters.redis import keys

LIFETIME_S = 600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_ANSWER = re.compile(r"[A-Za-z0-9_.-]{1,512}")
DNS_KEPT_S = 3600
"""A record outlives the one who set it by no more, should that one be killed."""
_DNS_LABEL = re.compile(r"[a-z0-9-]{1,63}")
_DNS_VALUE = re.compile(r"[A-Za-z0-9_-]{1,255}")


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


class DnsChallenges:
    """A hash: `<label> <value>` → when it ends (Unix seconds). Every method raises `redis.RedisError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, label: str, value: str) -> None:
        """Several values of one label stand side by side: a name and its wildcard are two challenges."""
        if not _DNS_LABEL.fullmatch(label) or not _DNS_VALUE.fullmatch(value):
            raise ValueError("no label and value of a challenge")
        self._forget_ended()
        self._redis.hset(keys.ACME_DNS, f"{label} {value}", str(int(time.time()) + DNS_KEPT_S))

    def remove(self, label: str, value: str) -> None:
        self._redis.hdel(keys.ACME_DNS, f"{label} {value}")

    def all(self) -> Mapping[str, Sequence[str]]:
        """Label → values."""
        found: dict[str, list[str]] = defaultdict(list)
        for field, ends in sorted(self._fields().items()):
            label, _, value = field.partition(" ")
            if float(ends) > time.time():
                found[label].append(value)
        return dict(found)

    def _forget_ended(self) -> None:
        ended = [field for field, ends in self._fields().items() if float(ends) <= time.time()]
        if ended:
            self._redis.hdel(keys.ACME_DNS, *ended)

    def _fields(self) -> Mapping[str, str]:
        raw: Mapping[bytes, bytes] = self._redis.hgetall(keys.ACME_DNS)  # type: ignore[assignment]
        return {_text(field): _text(ends) for field, ends in raw.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
