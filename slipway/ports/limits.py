"""Which Slipway tokens the edges' limits know."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LimitToken:
    """A token that is a caller of its own to the limits of its tenant's apps."""

    digest: str
    """SHA-256, hex."""
    tenant: str
    expires_at: datetime | None = None


class LimitTokens(Protocol):
    def replace(self, tokens: Collection[LimitToken]) -> None:
        """All that there are. Raises `DependencyUnavailable`."""
        ...
