"""A person's access token, renewed before it ends. A refresh token is good once: of commands that run side by side one
renews, and the others find the newer token in the file."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from slipway.cli.sign_in import kept_login, tokens
from slipway.cli.sign_in.identity_provider import OAuthError
from slipway.cli.sign_in.kept_login import KeptLogin, PersonsLogin
from slipway.cli.sign_in.tokens import PersonsTokens
from slipway.errors import DependencyUnavailable, NotAuthenticated

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RenewedTokens:
    """Those of the login that is kept for this address."""

    def __init__(self, url: str, login: PersonsLogin) -> None:
        self._url = url
        self._tokens = login.tokens

    def current(self) -> str:
        if not self._tokens.is_fresh:
            try:
                self._tokens = self._renewed(lambda kept: not kept.is_fresh)
            except DependencyUnavailable:
                if not self._tokens.is_usable:
                    raise
        return self._tokens.access_token

    def instead_of(self, refused: str) -> str:
        self._tokens = self._renewed(lambda kept: kept.access_token == refused or not kept.is_fresh)
        return self._tokens.access_token

    def _renewed(self, is_due: Callable[[PersonsTokens], bool]) -> PersonsTokens:
        with kept_login.locked():
            login = kept_login.read()
            if login.person is None or not login.is_at(self._url) or not login.person.tokens.refresh_token:
                raise self._ended("You are not signed in any more.")
            return self._refreshed(login, login.person) if is_due(login.person.tokens) else login.person.tokens

    def _refreshed(self, login: KeptLogin, person: PersonsLogin) -> PersonsTokens:
        """With the lock held."""
        provider, old = person.provider, person.tokens
        with _uninterrupted():
            try:
                form = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
                new = tokens.read(provider, provider.post(provider.token_endpoint, **form), old)
            except OAuthError as error:
                if error.error == "invalid_grant":
                    kept_login.write(replace(login, person=replace(person, tokens=tokens.ENDED)))
                raise self._ended(f"Your login has ended: {error.message}.") from None
            kept_login.write(replace(login, person=replace(person, tokens=new)))
        return new

    def _ended(self, why: str) -> NotAuthenticated:
        return NotAuthenticated(why, remedy=f"sign in: slipway login {self._url}")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C between the provider's answer and the file would lose the only token that is good from then on. It counts
    afterwards; the provider's time for an answer is bounded."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
