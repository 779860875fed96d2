"""Logins under way. Each is taken once: whoever comes second with the same state or code finds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from redis import Redis

from slipway.adapters.redis import keys
from slipway.adapters.redis.sessions import records, sealing
from slipway.adapters.redis.sessions.answers import answering, value_of
from slipway.adapters.redis.sessions.begin_rate import BeginRate
from slipway.adapters.redis.sessions.records import AppLogin, Record, Transaction
from slipway.adapters.redis.sessions.sealing import Purpose, Seals
from slipway.ports.clock import Clock
from slipway.ports.sign_on import LoginSecrets

LOGIN_S = 600
CODE_S = 60

Name = Callable[[str], str]
"""The key of the record with an id."""
Make = Callable[[Mapping[str, Any]], Record]


class Logins:
    """Logins at the identity provider. Every method raises `DependencyUnavailable` when Redis does not answer."""

    def __init__(self, redis: Redis, seals: Seals, *, clock: Clock = time.time) -> None:
        self._records = _Records(redis, seals)
        self._rate = BeginRate(redis, "login")
        self._clock = clock

    def begin(
        self, secrets: LoginSecrets, browser_hash: str, target: str, app_login: str = "", *, address: str = ""
    ) -> str:
        """The login's state, which the identity provider gives back. Raises `TooManyLogins`."""
        self._rate.require(address)
        transaction = Transaction(secrets, browser_hash, target, app_login, created_at=self._clock())
        return self._records.add(transaction, sealing.LOGIN, keys.login, LOGIN_S)

    def take(self, state: str) -> Transaction | None:
        """None: no login has that state, or has it any more."""
        return self._records.take(state, sealing.LOGIN, keys.login, records.transaction)


class AppLogins:
    """Logins that began on an app's host. Every method raises `DependencyUnavailable` when Redis does not answer."""

    def __init__(self, redis: Redis, seals: Seals) -> None:
        self._records = _Records(redis, seals)
        self._rate = BeginRate(redis, "app")

    def begin(self, host: str, scheme: str, target: str, browser_hash: str, address: str = "") -> str:
        """The login's id, for `<public_url>/auth/apps/<id>`. Raises `TooManyLogins`."""
        self._rate.require(address)
        login = AppLogin(host, scheme, target, browser_hash)
        return self._records.add(login, sealing.APP_LOGIN, keys.app_login, LOGIN_S)

    def read(self, login_id: str) -> AppLogin | None:
        """None: there is none, or it has its code already."""
        return self._records.read(login_id, sealing.APP_LOGIN, keys.app_login, records.app_login)

    def issue_code(self, login_id: str, parent: str) -> tuple[str, AppLogin] | None:
        """A code that makes the session `parent` one of the app's host too, once and within a minute, and the login
        that it is for. None: there is no such login, or it has its code already."""
        login = self._records.take(login_id, sealing.APP_LOGIN, keys.app_login, records.app_login)
        if login is None:
            return None
        return self._records.add(replace(login, parent=parent), sealing.CODE, keys.login_code, CODE_S), login

    def take_code(self, code: str) -> AppLogin | None:
        """With its `parent`. None: it is no code, or was one. Who takes it still has to compare `host` and
        `browser_hash`."""
        return self._records.take(code, sealing.CODE, keys.login_code, records.app_login)


class _Records:
    def __init__(self, redis: Redis, seals: Seals) -> None:
        self._redis = redis
        self._seals = seals

    def add(self, record: Transaction | AppLogin, purpose: Purpose, name: Name, lifetime_s: int) -> str:
        """The secret that it is taken by."""
        value, sealer = self._seals.new(purpose)
        with answering():
            self._redis.set(name(sealer.id), sealer.seal(records.write(record)), ex=lifetime_s)
        return value

    def read(self, value: str, purpose: Purpose, name: Name, make: Make[Record]) -> Record | None:
        return self._found(value, purpose, name, make, once=False)

    def take(self, value: str, purpose: Purpose, name: Name, make: Make[Record]) -> Record | None:
        return self._found(value, purpose, name, make, once=True)

    def _found(self, value: str, purpose: Purpose, name: Name, make: Make[Record], *, once: bool) -> Record | None:
        sealer = self._seals.sealer(value, purpose)
        if sealer is None:
            return None
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.getdel(name(sealer.id)) if once else pipe.get(name(sealer.id))
            sealed = value_of(pipe.execute(raise_on_error=False)[0])
        return records.read(sealer.open(sealed) if isinstance(sealed, bytes) else None, make)
