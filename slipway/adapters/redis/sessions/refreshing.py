"""Sessions as they are now: their tokens are renewed before they are over, and at once when the identity provider knows
something else of the person. One caller asks the provider, also when many come with the same cookie."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from slipway.adapters.redis import keys
from slipway.adapters.redis.identity_changes import IdentityChanges
from slipway.adapters.redis.sessions.answers import answering
from slipway.adapters.redis.sessions.records import Session
from slipway.adapters.redis.sessions.store import Sessions
from slipway.errors import DependencyUnavailable, IdentityRefused, NotAuthenticated
from slipway.ports.clock import Clock

if TYPE_CHECKING:
    from slipway.ports.sign_on import CodeFlow, SignedIn

log = logging.getLogger(__name__)
BEFORE_EXPIRY_S = 60
LOCKED_S = 30.0
"""Longer than a refresh takes; whoever died with the lock keeps the others waiting no longer."""
WAIT_S = 6.0
PAUSE_S = 10.0
"""The identity provider is not asked for so long after it did not answer: each try holds a thread for seconds."""
_LOOK_EVERY_S = 0.02

Ended = Callable[[Session, str], None]
"""Is called with each session that the identity provider did not renew, and why."""


class CurrentSessions:
    """`Sessions` to be asked by whoever needs to know who somebody is now. Every method raises `DependencyUnavailable`
    when Redis does not answer; when the identity provider does not, a session goes on as it was."""

    def __init__(
        self,
        redis: Redis,
        sessions: Sessions,
        flow: CodeFlow,
        *,
        on_end: Ended,
        clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._redis = redis
        self._sessions = sessions
        self._flow = flow
        self._changes = IdentityChanges(redis, clock=clock)
        self._on_end = on_end
        self._clock = clock
        self._monotonic = monotonic
        self._asks_again_at = 0.0

    def current(self, value: str) -> Session | None:
        """The session of the console host's cookie. None: nobody is signed in by it (any more)."""
        session = self._sessions.read(value)
        return self._as_it_is(value, session, is_stale=self._is_stale(session)) if session is not None else None

    def current_of_app(self, value: str, host: str) -> Session | None:
        """The session that the cookie of an app's host belongs to. Its record says whose it is, so the session and
        whether it is out of date come in one round trip."""
        found = self._sessions.open_app_session(value, host)
        if found is None:
            return None
        session, marks = self._sessions.read_with(found.parent, *self._changes.marks_of(found.sub))
        if session is None or session.person.sub != found.sub:
            return None
        is_stale = self._changes.latest(marks) >= session.refreshed_at
        current = self._as_it_is(found.parent, session, is_stale=is_stale)
        return current if current is not None and current.person.sub == found.sub else None

    def _as_it_is(self, value: str, session: Session, *, is_stale: bool) -> Session | None:
        if not is_stale and not self._is_due(session):
            return session
        if self._monotonic() < self._asks_again_at:
            return session
        return self._refreshed_once(value, session, waits=is_stale)

    def _is_stale(self, session: Session) -> bool:
        return self._changes.stale_since(session.person.sub) >= session.refreshed_at

    def _is_due(self, session: Session) -> bool:
        return self._clock() >= session.access_expires_at - BEFORE_EXPIRY_S

    def _refreshed_once(self, value: str, session: Session, *, waits: bool) -> Session | None:
        """Who does not get the lock goes on with what there is, unless that is out of date."""
        lock = Lock(self._redis, keys.session_refresh(session.id), timeout=LOCKED_S, sleep=_LOOK_EVERY_S)
        with answering():
            is_ours = lock.acquire(blocking=waits, blocking_timeout=WAIT_S if waits else None)
        if not is_ours:
            return self._of_others(value) if waits else session
        try:
            found = self._sessions.read(value)
            if found is None or found.refreshed_at > session.refreshed_at:
                return found
            if self._monotonic() < self._asks_again_at:  # whoever held the lock got no answer
                return found
            return self._refreshed(value, found)
        finally:
            _release(lock)

    def _of_others(self, value: str) -> Session | None:
        """What whoever has the lock made of a session that is out of date."""
        found = self._sessions.read(value)
        if found is not None and self._is_stale(found):
            raise DependencyUnavailable("The session is just being renewed.", remedy="try again in a moment")
        return found

    def _refreshed(self, value: str, session: Session) -> Session | None:
        asked_at = self._clock()
        try:
            answer = self._answer(session)
        except NotAuthenticated as error:
            self._sessions.end(value)
            self._on_end(session, error.message)
            return None
        except (DependencyUnavailable, IdentityRefused) as error:
            log.warning("a session was not refreshed", extra={"session": session.id[:8], "why": error.message})
            self._asks_again_at = self._monotonic() + PAUSE_S
            return session
        renewed = replace(
            session,
            person=answer.person,
            id_token=answer.tokens.id_token or session.id_token,
            refresh_token=answer.tokens.refresh_token or session.refresh_token,
            refreshed_at=asked_at,
            access_expires_at=answer.tokens.access_expires_at,
            auth_time=answer.auth_time or session.auth_time,
        )
        return renewed if self._sessions.replace(value, renewed) else None

    def _answer(self, session: Session) -> SignedIn:
        if not session.refresh_token:
            raise NotAuthenticated("The identity provider gave no refresh token, so the session is over.")
        return self._flow.refresh(session.refresh_token, session.person.sub)


def _release(lock: Lock) -> None:
    """It may be lost by now: then it is not another's that is released."""
    try:
        lock.release()
    except (LockError, RedisError) as error:
        log.warning("the lock of a refresh was lost", extra={"why": str(error)})
