"""Sessions of the console's host, and their parts on apps' hosts (docs/reference/sessions.md)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.identity_changes import IdentityChanges, of_person, of_session, of_session_at_provider
from slipway.adapters.redis.sessions import records, sealing
from slipway.adapters.redis.sessions.answers import answering, value_of
from slipway.adapters.redis.sessions.records import AppSession, Session
from slipway.adapters.redis.sessions.sealing import Sealer, Seals
from slipway.core.identity.claims import Person
from slipway.errors import NotAuthenticated
from slipway.ports.clock import Clock
from slipway.ports.sign_on import Tokens

WRITTEN_EVERY_S = 60
"""A session's use is recorded no more often, so that reading one stays a read."""


class Sessions:
    """Every method raises `DependencyUnavailable` when Redis does not answer."""

    def __init__(
        self, redis: Redis, seals: Seals, *, idle_s: float, lifetime_s: float, clock: Clock = time.time
    ) -> None:
        self._redis = redis
        self._seals = seals
        self._idle_s = idle_s
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._changes = IdentityChanges(redis, clock=clock)

    def create(
        self, person: Person, tokens: Tokens, auth_time: float, *, asked_at: float | None = None
    ) -> tuple[str, Session]:
        """A new session: the value of its cookie, which is nowhere else, and what it holds. `asked_at` is when the
        tokens were asked for.

        Raises:
            NotAuthenticated: the session at the identity provider has ended meanwhile.
        """
        value, sealer = self._seals.new(sealing.SESSION)
        now = self._clock()
        session = Session(
            id=sealer.id,
            person=person,
            id_token=tokens.id_token,
            refresh_token=tokens.refresh_token,
            refreshed_at=now if asked_at is None else asked_at,
            access_expires_at=tokens.access_expires_at,
            created_at=now,
            auth_time=auth_time,
        )
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.session(sealer.id), sealer.seal(records.write(session)), px=_ms(self._left_s(session)))
            for index in _indexes(session.person):
                pipe.sadd(index, sealer.id)
                pipe.expire(index, int(self._lifetime_s) + 1)
            pipe.exists(keys.ended_at_provider(person.sid))
            has_ended = pipe.execute()[-1]
        if has_ended and person.sid:  # looked at after the index was written: whoever ends it later finds it there
            self._end_all([sealer.id], of_session(sealer.id), indexes=_indexes(person))
            raise NotAuthenticated("The session at the identity provider has just ended.", remedy="sign in again")
        return value, session

    def read(self, value: str) -> Session | None:
        """None: there is none, it is over, or the value is not its. Reading counts as using."""
        return self.read_with(value)[0]

    def read_with(self, value: str, *names: str) -> tuple[Session | None, list[Any]]:
        """The same; and in the same round trip what stands at these keys, read after the session."""
        sealer = self._seals.sealer(value, sealing.SESSION)
        if sealer is None:
            return None, []
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.session(sealer.id))
            pipe.pttl(keys.session(sealer.id))
            for name in names:
                pipe.get(name)
            sealed, left_ms, *more = pipe.execute(raise_on_error=False)
        found = [value_of(each) for each in more]
        session = records.read(_opened(sealer, value_of(sealed)), records.session(sealer.id))
        if session is None or self._left_s(session) <= 0:
            return None, found
        self._record_use(session, value_of(left_ms))
        return session, found

    def replace(self, value: str, session: Session) -> bool:
        """Write what a refresh brought. False: the session has ended meanwhile, and stays so."""
        sealer = self._seals.sealer(value, sealing.SESSION)
        if sealer is None:
            return False
        with answering():
            sealed = sealer.seal(records.write(session))
            return bool(self._redis.set(keys.session(sealer.id), sealed, xx=True, keepttl=True))

    def ends_at(self, session: Session) -> float:
        """When it is over whatever happens (Unix seconds)."""
        return session.created_at + self._lifetime_s

    def end(self, value: str) -> Session | None:
        """End it, and with it the app sessions that belong to it: what it was, or None when there was none."""
        session = self.read(value)
        if session is not None:
            self._end_all([session.id], of_session(session.id), indexes=_indexes(session.person))
        return session

    def end_of_sub(self, sub: str) -> int:
        """End all sessions of a person: how many there were. One that begins at this moment asks the identity provider
        before it is used."""
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            self._changes.mark_stale(pipe, sub)
            pipe.smembers(keys.sessions_of_person(sub))
            ids = _texts(pipe.execute()[-1])
        return self._end_all(ids, of_person(sub), indexes=[keys.sessions_of_person(sub)])

    def end_of_sid(self, sid: str) -> int:
        """End the sessions that belong to one session at the identity provider: how many there were. None begins with
        it any more."""
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.ended_at_provider(sid), 1, ex=int(self._lifetime_s) + 1)
            pipe.smembers(keys.sessions_at_provider(sid))
            ids = _texts(pipe.execute()[-1])
        subjects = (of_session_at_provider(sid), *map(of_session, ids))
        return self._end_all(ids, *subjects, indexes=[keys.sessions_at_provider(sid)])

    def has_ended_at_provider(self, sid: str) -> bool:
        """Whether `end_of_sid` was called for it: tokens that were given to it are void, too."""
        with answering():
            return bool(self._redis.exists(keys.ended_at_provider(sid)))

    def create_app_session(self, parent: str, host: str) -> str | None:
        """The value of the cookie on that host. None: the parent is over."""
        session = self.read(parent)
        if session is None:
            return None
        value, sealer = self._seals.new(sealing.APP_SESSION)
        sealed = sealer.seal(records.write(AppSession(host, parent, session.person.sub)))
        with answering():
            self._redis.set(keys.app_session(sealer.id), sealed, px=_ms(self.ends_at(session) - self._clock()))
        return value

    def open_app_session(self, value: str, host: str) -> AppSession | None:
        """What the cookie of that host stands for; its parent may be over. None: it is no session of that host."""
        sealer = self._seals.sealer(value, sealing.APP_SESSION)
        if sealer is None:
            return None
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.app_session(sealer.id))
            (sealed,) = pipe.execute(raise_on_error=False)
        found = records.read(_opened(sealer, value_of(sealed)), records.app_session)
        return found if found is not None and found.host == host else None

    def read_app_session(self, value: str, host: str) -> Session | None:
        """The session that it belongs to. None: it is no session of that host, or its parent is over."""
        found = self.open_app_session(value, host)
        session = self.read(found.parent) if found is not None else None
        return session if session is not None and found is not None and session.person.sub == found.sub else None

    def end_app_session(self, value: str) -> None:
        """The parent goes on, and so do the sessions of other hosts."""
        sealer = self._seals.sealer(value, sealing.APP_SESSION)
        if sealer is not None:
            with answering():
                self._redis.delete(keys.app_session(sealer.id))

    def _left_s(self, session: Session) -> float:
        """How long the session lasts when nobody uses it from now on."""
        return min(self._idle_s, self.ends_at(session) - self._clock())

    def _record_use(self, session: Session, left_ms: Any) -> None:
        wanted_ms = _ms(self._left_s(session))
        if isinstance(left_ms, int) and wanted_ms - left_ms > WRITTEN_EVERY_S * 1000:
            with answering():
                self._redis.pexpire(keys.session(session.id), wanted_ms)

    def _end_all(self, ids: Iterable[str], *subjects: str, indexes: Iterable[str]) -> int:
        """In one transaction with the report to the edges, so that neither happens without the other."""
        gone = list(ids)
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(*map(keys.session, gone)) if gone else pipe.ping()
            for index in indexes if gone else ():
                pipe.srem(index, *gone)
            self._changes.add(pipe, *subjects)
            ended = pipe.execute()[0]
        return int(ended) if gone else 0


def _opened(sealer: Sealer, sealed: Any) -> bytes | None:
    return sealer.open(sealed) if isinstance(sealed, bytes) else None


def _indexes(person: Person) -> list[str]:
    of_session = [keys.sessions_at_provider(person.sid)] if person.sid else []
    return [keys.sessions_of_person(person.sub), *of_session]


def _texts(members: Iterable[bytes]) -> list[str]:
    return [each.decode() for each in members]


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
