"""Who may open one more stream: bounded on the host, by tenant and by token, with a reserve for those who have few."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TERMINALS_AT_ONCE, TERMINALS_OF_A_TENANT = 32, 8
"""Programs that people run in replicas: each holds a thread of the router."""
_RESERVE = 4
"""One place in so many is in the reserve."""


class Bound(StrEnum):
    """Which bound is reached."""

    TOKEN = "token"  # noqa: S105
    TENANT = "tenant"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class StreamQuota:
    """How many streams may be open at a time."""

    total: int
    per_tenant: int
    guaranteed: int = 2
    """The reserve is for tenants that have fewer than this; 0: there is none."""

    @property
    def per_token(self) -> int:
        """Half of the tenant's, so that one user's streams leave some to their colleagues."""
        return max(1, self.per_tenant // 2)


def reached_bound(quota: StreamQuota, *, total: int, of_tenant: int, of_token: int = 0) -> Bound | None:
    """The bound that one more stream would break; None: it may be opened."""
    if of_tenant >= quota.per_tenant:
        return Bound.TENANT
    if of_token >= quota.per_token:
        return Bound.TOKEN
    reserved = quota.total // _RESERVE if 0 < quota.guaranteed <= of_tenant else 0
    return Bound.HOST if total >= quota.total - reserved else None
