"""Whom the identity provider knows, for people who want to know who may see an app. No request is decided by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from slipway.core.identity.claims import Person


class Directory(Protocol):
    """Raises `DependencyUnavailable` when it does not answer, `IdentityRefused` when it does not let Slipway in."""

    def person(self, login_or_email: str) -> Person | None:
        """Somebody who may sign in, with all their groups."""
        ...

    def logins(self, subs: Collection[str]) -> Mapping[str, str]:
        """`sub` → login, of those who are known. One question each."""
        ...

    def people_of(self, tenant: str, *, most: int) -> list[Person]:
        """Who has a role in the tenant and may sign in, with those groups that give it; no more than so many."""
        ...
