"""A link by which whoever has a token opens the console in a browser, where sign-on is off."""

from __future__ import annotations

from datetime import timedelta

from router import documents
from router.identity import token_sessions
from router.principal import Kind, Principal
from router.services import Services
from slipway.core.access.tokens import hashed
from slipway.errors import Conflict
from slipway.models import now


def create_console_link(services: Services, principal: Principal, token: str) -> documents.ConsoleLink:
    """`token` is the one that the caller sent.

    Raises:
        Conflict: people sign in by the host's sign-on.
    """
    url = services.settings.public_url.rstrip("/")
    if services.sign_on is not None or principal.kind is not Kind.TOKEN or not token:
        raise Conflict("A link opens the console with a token, where sign-on is off.", remedy=f"sign in at {url}")
    from slipway.adapters.redis.sessions.token_sessions import LINK_S  # noqa: PLC0415  only needed here

    secret = token_sessions.of(services.settings, services.redis).issue_link(hashed(token))
    expires_at = now() + timedelta(seconds=LINK_S)
    return documents.ConsoleLink(url=f"{url}/auth/console/{secret}", expires_at=expires_at)
