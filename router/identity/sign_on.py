"""What signing people in takes, as one part of the router's services. Where sign-on is off nothing of it is imported:
it costs memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from router.login import recording
from slipway.adapters.vault import VALUES, Vault
from slipway.errors import SignOnOff
from slipway.settings import OFF, Settings

if TYPE_CHECKING:
    from redis import Redis

    from slipway.adapters.identity_key import IdentityKey
    from slipway.adapters.redis.identity_changes import IdentityChanges
    from slipway.adapters.redis.sessions import AppLogins, CurrentSessions, Logins, Sessions
    from slipway.db import Database
    from slipway.ports.sign_on import SignOn


@dataclass(frozen=True, slots=True)
class SignOnServices:
    provider: SignOn
    sessions: Sessions
    current: CurrentSessions
    """Sessions as they are now: with what the identity provider says of the person today."""
    logins: Logins
    app_logins: AppLogins
    changes: IdentityChanges
    identity_key: IdentityKey


def connect(settings: Settings, redis: Redis, db: Database) -> SignOnServices | None:
    """Opens no connection yet. None: sign-on is off.

    Raises:
        SettingsError: a key file or the client's secret is missing.
    """
    if settings.keycloak == OFF:
        return None
    from slipway.adapters.oidc import connecting  # noqa: PLC0415  costs memory, as what `assemble` imports does

    return assemble(settings, redis, db, connecting.connect(settings))


def assemble(settings: Settings, redis: Redis, db: Database, provider: SignOn) -> SignOnServices:
    """With this identity provider."""
    from slipway.adapters.identity_key import FILE, IdentityKey  # noqa: PLC0415
    from slipway.adapters.redis.identity_changes import IdentityChanges  # noqa: PLC0415
    from slipway.adapters.redis.sessions import AppLogins, CurrentSessions, Logins, Seals, Sessions  # noqa: PLC0415

    seals = Seals(Vault(settings.key_dir / VALUES).digest("sessions").encode())
    sessions = Sessions(redis, seals, idle_s=settings.session_idle_s, lifetime_s=settings.session_lifetime_s)
    return SignOnServices(
        provider=provider,
        sessions=sessions,
        current=CurrentSessions(redis, sessions, provider.flow, on_end=partial(recording.not_renewed, db)),
        logins=Logins(redis, seals),
        app_logins=AppLogins(redis, seals),
        changes=IdentityChanges(redis),
        identity_key=IdentityKey(settings.key_dir / FILE),
    )


def required(sign_on: SignOnServices | None) -> SignOnServices:
    """Raises `SignOnOff` where it is."""
    if sign_on is None:
        raise SignOnOff(
            "Sign-on is off on this host, so nobody can sign in.",
            remedy="the host's owner sets SLIPWAY_KEYCLOAK: docs/guide/sign-on.md",
        )
    return sign_on
