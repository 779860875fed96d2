"""Sessions end: by whoever is signed in, and by the identity provider (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from router.identity.sign_on import SignOnServices
from router.login import recording
from router.services import Services
from slipway.adapters.redis import used_logout_tokens
from slipway.domain.audit import Actor
from slipway.errors import DependencyUnavailable, NotAuthenticated


@dataclass(frozen=True, slots=True)
class SignedOut:
    was_signed_in: bool
    at_provider: str
    """Where the session at the identity provider ends; empty: there is none, or the provider does not answer."""


def sign_out(services: Services, sign_on: SignOnServices, value: str, origin: Actor) -> SignedOut:
    """End the session, and all app sessions with it. Nothing is revoked at the identity provider before the browser has
    been there: its own page needs the session to end it.

    Raises:
        DependencyUnavailable: Redis does not answer, so that the session goes on.
    """
    session = sign_on.sessions.end(value)
    if session is None:
        return SignedOut(was_signed_in=False, at_provider="")
    recording.ended(services.db, session, origin, recording.SIGN_OUT)
    try:
        url = sign_on.provider.flow.sign_out_url(session.id_token, signed_out_url(services))
    except DependencyUnavailable:
        url = ""
    return SignedOut(was_signed_in=True, at_provider=url)


def end_by_provider(services: Services, sign_on: SignOnServices, logout_token: str, origin: Actor) -> int:
    """How many sessions ended.

    Raises:
        NotAuthenticated: the token is not good, or was used already.
        DependencyUnavailable: Redis, or the provider's keys, can't be had.
    """
    token = sign_on.provider.verifier.logout_token(logout_token)
    if used_logout_tokens.is_used(services.redis, token.jti):
        raise NotAuthenticated("The logout token was used already.")
    many = sign_on.sessions.end_of_sid(token.sid) if token.sid else sign_on.sessions.end_of_sub(token.sub)
    used_logout_tokens.mark(services.redis, token.jti, token.replay_until - time.time())
    recording.ended_by_provider(services.db, origin, f"sid:{token.sid}" if token.sid else f"sub:{token.sub}", many)
    return many


def signed_out_url(services: Services) -> str:
    return f"{services.settings.public_url.rstrip('/')}/auth/signed-out"
