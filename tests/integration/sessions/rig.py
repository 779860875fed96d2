"""Sessions on a real Redis, with a clock that a test sets and an identity provider that answers what it says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.identity_changes import IdentityChanges
from slipway.adapters.redis.sessions import CurrentSessions, Seals, Session, Sessions
from slipway.core.identity.claims import Person
from slipway.ports.sign_on import LoginSecrets, SignedIn, Tokens

SEALS = Seals(b"a key of this host")
IDLE_S, LIFETIME_S = 7200, 43200
ADA = Person(
    sub="sub-of-ada",
    login="ada",
    name="Ada",
    email="ada@example.org",
    email_verified=True,
    groups=("/tenants/acme/owner",),
    realm_roles=("platform-admin",),
    sid="sid-1",
)
GRACE = Person("sub-of-grace", "grace", sid="sid-2")


def tokens(name: str = "first", life_s: float = 300, at: float | None = None) -> Tokens:
    return Tokens(f"{name} id token", f"{name} refresh token", f"{name} access token", (at or time.time()) + life_s)


@dataclass
class Clock:
    at: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.at


@dataclass
class Flow:
    """The part of `slipway.ports.sign_on.CodeFlow` that a refresh uses."""

    clock: Clock
    person: Person = ADA
    refuses: Exception | None = None
    asked: list[str] = field(default_factory=list)
    while_asked: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, refresh_token: str, sub: str) -> SignedIn:  # noqa: ARG002
        with self._lock:
            self.asked.append(refresh_token)
            number = len(self.asked)
        self.while_asked()
        if self.refuses is not None:
            raise self.refuses
        return SignedIn(self.person, tokens(f"refresh {number}", at=self.clock()), 0)

    def new_secrets(self) -> LoginSecrets: ...
    def authorization_url(self, *_: Any, **__: Any) -> str: ...
    def finish(self, *_: Any) -> SignedIn: ...
    def sign_out_url(self, *_: Any) -> str: ...


@dataclass
class Rig:
    redis: Redis
    clock: Clock = field(default_factory=Clock)
    pause: Clock = field(default_factory=Clock)
    """The clock by which a provider that did not answer is not asked again."""
    ended: list[tuple[str, str]] = field(default_factory=list)
    """The sessions that the provider did not renew, and why."""

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.redis, SEALS, idle_s=IDLE_S, lifetime_s=LIFETIME_S, clock=self.clock)
        self.changes = IdentityChanges(self.redis, clock=self.clock)
        self.flow = Flow(self.clock)
        self.current = CurrentSessions(
            self.redis, self.sessions, self.flow, on_end=self._on_end, clock=self.clock, monotonic=self.pause
        )

    def _on_end(self, session: Session, why: str) -> None:
        self.ended.append((session.id, why))

    def sign_in(self, person: Person = ADA, *, at: float | None = None) -> tuple[str, Session]:
        return self.sessions.create(person, tokens(at=self.clock()), auth_time=at or self.clock())

    def age(self, value: str, by_s: float) -> None:
        """The session as it is when nobody used it for so long. Redis' own clock can't be set: its part of that is done
        by taking as much from the time that the key has left."""
        self.clock.at += by_s
        key = keys.session(self.session_id(value))
        left_ms = self.redis.pttl(key) - int(by_s * 1000)
        self.redis.pexpire(key, left_ms)

    def session_id(self, value: str) -> str:
        found = self.sessions.read(value)
        assert found is not None
        return found.id

    def reports(self) -> list[str]:
        """What edges learned."""
        return [fields[b"subject"].decode() for _, fields in self.redis.xrange(keys.IDENTITY_CHANGES)]

    def everything(self) -> str:
        """All that Redis holds, names and contents, as one text."""
        found: dict[str, Any] = {}
        for key in self.redis.scan_iter():
            kind = self.redis.type(key)
            read = {b"string": self.redis.get, b"set": self.redis.smembers, b"stream": self.redis.xrange}[kind]
            found[key.decode()] = repr(read(key))
        return json.dumps(found)
