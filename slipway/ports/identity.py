"""Who people are, and which groups they are in: the identity provider."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from slipway.core.identity.differences import Difference
from slipway.core.identity.wanted_realm import TenantGroup


class IdentityProvider(Protocol):
    """Raises `DependencyUnavailable` when it does not answer, `IdentityRefused` when it does not let Slipway in."""

    def check(self) -> None:
        """Whether it answers, and knows Slipway's realm."""
        ...

    def sync(self, tenants: Iterable[TenantGroup], *, dry_run: bool) -> list[Difference]:
        """What was not as Slipway needs it, and (unless `dry_run`) is now. Removes nothing that people made."""
        ...
