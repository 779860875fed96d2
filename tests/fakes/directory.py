"""Whom an identity provider knows, only remembered."""

from __future__ import annotations

from dataclasses import dataclass, field

from slipway.core.identity.claims import Person
from slipway.errors import DependencyUnavailable


@dataclass
class FakeDirectory:
    """`slipway.ports.directory.Directory`."""

    people: list[Person] = field(default_factory=list)
    is_unreachable: bool = False

    def person(self, login_or_email: str) -> Person | None:
        self._check()
        return next((each for each in self.people if login_or_email in (each.login, each.email)), None)

    def people_of(self, tenant: str, *, most: int) -> list[Person]:
        self._check()
        return [each for each in self.people if any(f"/tenants/{tenant}/" in path for path in each.groups)][:most]

    def _check(self) -> None:
        if self.is_unreachable:
            raise DependencyUnavailable("Keycloak does not answer at its place.")
