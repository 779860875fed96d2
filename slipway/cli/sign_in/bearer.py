"""The token of each call to the API."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from slipway.errors import NotAuthenticated


class AccessTokens(Protocol):
    """Where the token of a call comes from. Both raise `NotAuthenticated` when the login has ended, and
    `DependencyUnavailable` when the identity provider can't be asked."""

    def current(self) -> str:
        """One that is good now; empty: nobody is signed in."""
        ...

    def instead_of(self, refused: str) -> str:
        """Another one after the API refused this one; empty: there is no other."""
        ...


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that nothing can renew."""

    token: str = field(repr=False)

    def current(self) -> str:
        return self.token

    def instead_of(self, refused: str) -> str:
        del refused
        return ""


class Bearer(httpx.Auth):
    """A call that was refused because its token ended, or because the person has changed, is sent again with a newer
    one: the API did nothing of it."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._tokens.current()
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code != NotAuthenticated.status:
            return
        newer = self._tokens.instead_of(token)
        if newer:
            request.headers["Authorization"] = f"Bearer {newer}"
            yield request
