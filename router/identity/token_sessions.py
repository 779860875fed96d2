"""The console's sessions where sign-on is off, as they are needed: nothing of them is imported before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.adapters.vault import VALUES, Vault
from slipway.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

    from slipway.adapters.redis.sessions import TokenSessions


def of(settings: Settings, redis: Redis) -> TokenSessions:
    """Opens no connection."""
    from slipway.adapters.redis.sessions import Seals, TokenSessions  # noqa: PLC0415  costs memory

    seals = Seals(Vault(settings.key_dir / VALUES).digest("sessions").encode())
    return TokenSessions(redis, seals, idle_s=settings.session_idle_s, lifetime_s=settings.session_lifetime_s)
