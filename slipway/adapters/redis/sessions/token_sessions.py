"""Sessions of the console's host where sign-on is off: each belongs to a token of the API, and ends with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.sessions import sealing
from slipway.adapters.redis.sessions.answers import answering, value_of
from slipway.adapters.redis.sessions.begin_rate import BeginRate
from slipway.adapters.redis.sessions.sealing import Purpose, Seals
from slipway.ports.clock import Clock

LINK_S = 300
WRITTEN_EVERY_S = 60
"""The use of a session is recorded no more often, so that reading one stays a read."""

Name = Callable[[str], str]


class TokenSessions:
    """What is kept of a token is the digest that the database knows it by. Every method raises `DependencyUnavailable`
    when Redis does not answer."""

    def __init__(
        self, redis: Redis, seals: Seals, *, idle_s: float, lifetime_s: float, clock: Clock = time.time
    ) -> None:
        self._redis = redis
        self._seals = seals
        self._idle_s = int(idle_s)
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._rate = BeginRate(redis, "token")

    def require_rate(self, address: str) -> None:
        """Before a token is looked up. Raises `TooManyLogins`."""
        self._rate.require(address)

    def create(self, token_hash: str) -> str:
        """The value of the cookie, which is nowhere else."""
        return self._add(token_hash, sealing.TOKEN_SESSION, keys.token_session, self._idle_s)

    def read(self, value: str) -> str:
        """The digest of its token; empty: there is no such session, or it is over. Reading counts as using."""
        sealer = self._seals.sealer(value, sealing.TOKEN_SESSION)
        if sealer is None:
            return ""
        name = keys.token_session(sealer.id)
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(name)
            pipe.ttl(name)
            sealed, left_s = map(value_of, pipe.execute(raise_on_error=False))
            if isinstance(left_s, int) and 0 < left_s < self._idle_s - WRITTEN_EVERY_S:
                self._redis.expire(name, self._idle_s)
        began_at, token_hash = _opened(sealer, sealed)
        return token_hash if self._clock() - began_at < self._lifetime_s else ""

    def end(self, value: str) -> None:
        sealer = self._seals.sealer(value, sealing.TOKEN_SESSION)
        if sealer is not None:
            with answering():
                self._redis.delete(keys.token_session(sealer.id))

    def issue_link(self, token_hash: str) -> str:
        """A secret that begins one session of the token, within five minutes."""
        return self._add(token_hash, sealing.CONSOLE_LINK, keys.console_link, LINK_S)

    def look_at_link(self, secret: str) -> str:
        """The digest of its token; empty: it is used, or over, or none."""
        return self._found(secret, once=False)

    def take_link(self, secret: str) -> str:
        """The same, once."""
        return self._found(secret, once=True)

    def _found(self, secret: str, *, once: bool) -> str:
        sealer = self._seals.sealer(secret, sealing.CONSOLE_LINK)
        if sealer is None:
            return ""
        name = keys.console_link(sealer.id)
        with answering():
            sealed = self._redis.getdel(name) if once else self._redis.get(name)
        return _opened(sealer, sealed)[1]

    def _add(self, token_hash: str, purpose: Purpose, name: Name, lifetime_s: int) -> str:
        value, sealer = self._seals.new(purpose)
        with answering():
            record = f"{self._clock()} {token_hash}".encode()
            self._redis.set(name(sealer.id), sealer.seal(record), ex=lifetime_s)
        return value


def _opened(sealer: sealing.Sealer, sealed: Any) -> tuple[float, str]:
    """When it began, and the digest."""
    opened = sealer.open(sealed) if isinstance(sealed, bytes) else None
    began_at, _, token_hash = ("0 " if opened is None else opened.decode()).partition(" ")
    return float(began_at), token_hash
