"""Who people are, and which groups they are in: the identity provider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from slipway.core.access.roles import Role
from slipway.core.identity.differences import Difference
from slipway.core.identity.event_window import EventWindow
from slipway.core.identity.people import Imported, KnownPerson, Member, NewPerson
from slipway.core.identity.provider_changes import Change, PasswordChanged
from slipway.core.identity.wanted_realm import TenantGroup


class People(Protocol):
    """Every method raises `DependencyUnavailable` when the provider does not answer, `IdentityRefused` when it does not
    let Slipway in, and `Conflict` when a tenant's groups are not as they have to be."""

    def members(self, tenant: TenantGroup) -> list[Member]:
        """Everybody with a role in the tenant, by login."""
        ...

    def find(self, login: str) -> KnownPerson | None:
        """Whoever has exactly that login."""
        ...

    def set_role(self, tenant: TenantGroup, person: KnownPerson, role: Role | None) -> None:
        """Have them in that role's group of the tenant, and in no other of it. None: in none. Where it is cut off they
        have less than they had and were given, never more."""
        ...

    def groups_in(self, tenant: TenantGroup, person: KnownPerson) -> list[str]:
        """The full paths of the person's groups in that tenant, and of no others."""
        ...

    def sessions_of(self, person: KnownPerson) -> int:
        """How many sessions the person has at the provider: each browser and each command line has one."""
        ...

    def end_sessions_of(self, person: KnownPerson) -> None:
        """The person has to prove again who they are, everywhere."""
        ...

    def create_account(self, login: str, password: str) -> bool:
        """An account without an address and in no group, whose password has to be replaced at the first sign-in. False:
        somebody has that login, and nothing was changed."""
        ...

    def create(self, people: Sequence[NewPerson], *, dry_run: bool) -> list[Imported]:
        """Create those who are not there yet, each whole or not at all; the outcome for each, in their order. A dry run
        only looks."""
        ...


@dataclass(frozen=True, slots=True)
class Position:
    """How far the provider's events have been read."""

    admin: EventWindow = EventWindow()
    """What administrators did."""
    people: EventWindow = EventWindow()
    """What people did themselves."""


class ChangeFeed(Protocol):
    """What happens at the provider. Raises `DependencyUnavailable` and `IdentityRefused` as `IdentityProvider` does."""

    def read(self, position: Position) -> tuple[list[Change], Position]:
        """What happened after the position, and where it ends. Without a position: what happened just before."""
        ...

    def end_sessions(self, change: PasswordChanged) -> list[str]:
        """End the person's sessions at the provider, but the one that is to be kept: their `sid`."""
        ...

    def close(self) -> None:
        """End the connections. The next call opens others."""
        ...


class IdentityProvider(Protocol):
    """Raises `DependencyUnavailable` when it does not answer, `IdentityRefused` when it does not let Slipway in."""

    @property
    def people(self) -> People: ...

    def follow(self) -> ChangeFeed:
        """A feed of its own for the caller."""
        ...

    def check(self) -> None:
        """Whether it answers, and knows Slipway's realm."""
        ...

    def sync(self, tenants: Iterable[TenantGroup], *, dry_run: bool) -> list[Difference]:
        """What was not as Slipway needs it, and (unless `dry_run`) is now. Removes nothing that people made."""
        ...
