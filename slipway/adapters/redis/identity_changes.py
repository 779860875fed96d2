"""Reports to all edges, through a stream in Redis, whose verdicts are no longer true (docs/reference/sessions.md)."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.exceptions import RedisError

from slipway.adapters.redis import keys
from slipway.errors import DependencyUnavailable
from slipway.ports.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.client import Pipeline

ALL = "all"
"""The subject that stands for everybody."""
KEPT = 10_000
STALE_FOR_S = 12 * 3600
"""No session is older."""
ASKED_EVERY_S = 0.5
_UNREPORTED = "Redis does not answer, so edges do not learn of the change."


def of_person(sub: str) -> str:
    return f"person:{sub}"


def of_session(session_id: str) -> str:
    return f"session:{session_id}"


def of_session_at_provider(sid: str) -> str:
    """What was admitted by tokens of a session at the identity provider, without a session here."""
    return f"session:at-{keys.digest('sid', sid)}"


def of_token(row_id: int) -> str:
    return f"token:{row_id}"


def of_publisher(row_id: int) -> str:
    """Of the tokens of its jobs. No verdict is of one: only streams of the API look for it."""
    return f"token:publisher-{row_id}"


class IdentityChanges:
    """Every method raises `DependencyUnavailable` when Redis does not answer."""

    def __init__(self, redis: Redis, *, clock: Clock = time.time) -> None:
        self._redis = redis
        self._clock = clock

    def publish(self, *subjects: str) -> None:
        """Verdicts of these subjects fall at all edges."""
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                self.add(pipe, *subjects)
                pipe.execute()
        except RedisError as error:
            raise DependencyUnavailable(_UNREPORTED) from error

    @staticmethod
    def add(pipe: Pipeline, *subjects: str) -> None:
        """The same as a part of a transaction of the caller's."""
        for subject in subjects:
            pipe.xadd(keys.IDENTITY_CHANGES, {"subject": subject}, maxlen=KEPT, approximate=True)

    def person_changed(self, sub: str) -> None:
        """The identity provider knows something else of the person now: verdicts fall, and each of their sessions asks
        the provider before it is used again."""
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                self.mark_stale(pipe, sub)
                self.add(pipe, of_person(sub))
                pipe.execute()
        except RedisError as error:
            raise DependencyUnavailable(_UNREPORTED) from error

    def everybody_changed(self) -> None:
        """The same of all people."""
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(keys.STALE_PEOPLE, math.ceil(self._clock() * 1000), ex=STALE_FOR_S)
                self.add(pipe, ALL)
                pipe.execute()
        except RedisError as error:
            raise DependencyUnavailable(_UNREPORTED) from error

    def mark_stale(self, pipe: Pipeline, sub: str) -> None:
        """What sessions hold of the person is out of date."""
        pipe.set(keys.stale_person(sub), math.ceil(self._clock() * 1000), ex=STALE_FOR_S)

    def stale_since(self, sub: str) -> float:
        """Unix seconds; 0: what sessions hold of the person is as good as it was."""
        try:
            found = self._redis.mget(*self.marks_of(sub))
        except RedisError as error:
            raise DependencyUnavailable("Redis does not answer, so sessions can't be read.") from error
        return self.latest(found)

    @staticmethod
    def marks_of(sub: str) -> tuple[str, ...]:
        """The keys that say since when what sessions hold of the person is out of date."""
        return keys.stale_person(sub), keys.STALE_PEOPLE

    @staticmethod
    def latest(marks: Iterable[Any]) -> float:
        """The same as `stale_since`, of what is at those keys."""
        return max((int(each) / 1000 for each in marks if isinstance(each, bytes) and each.isdigit()), default=0.0)


class NewestChange:
    """The id of the last report, for those who look often whether there was one. Thread-safe enough: two threads that
    look at the same moment both ask."""

    def __init__(self, redis: Redis, *, clock: Clock = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._id = ""
        self._asked_at = -math.inf

    def id(self) -> str:
        """As it was half a second ago at most; while Redis does not answer, as it was before."""
        if self._clock() - self._asked_at >= ASKED_EVERY_S:
            self._asked_at = self._clock()
            try:
                newest: Any = self._redis.xrevrange(keys.IDENTITY_CHANGES, count=1)
                self._id = newest[0][0].decode() if newest else ""
            except RedisError:
                return self._id
        return self._id
