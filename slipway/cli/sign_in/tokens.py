"""What the token endpoint gives, checked, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.cli.sign_in.identity_provider import LONGEST_TOKEN, IdentityProvider

_USUAL_LIFE_S, _LONGEST_LIFE_S = 60.0, 86400.0
_EARLIER_S = 30.0
"""An access token is renewed so long before its end, or after half of its life when that is later."""


@dataclass(frozen=True, slots=True)
class PersonsTokens:
    """A person's, from one grant. All times are Unix seconds by this machine's clock."""

    access_token: str = field(repr=False)
    renew_at: float
    access_ends_at: float
    refresh_token: str = field(repr=False)
    """Empty: the login has ended."""
    login_ends_at: float
    """When the refresh token ends unless it is used before; 0: the provider does not say."""

    @property
    def is_fresh(self) -> bool:
        return time.time() < self.renew_at

    @property
    def is_usable(self) -> bool:
        return time.time() < self.access_ends_at


ENDED = PersonsTokens("", 0, 0, "", 0)


def read(provider: IdentityProvider, answer: Mapping[str, Any], earlier: PersonsTokens = ENDED) -> PersonsTokens:
    """Raises `DependencyUnavailable` when the answer has no tokens that are of use. A provider that does not rotate
    refresh tokens may leave the new one out."""
    if str(answer.get("token_type")).lower() != "bearer":
        raise provider.unavailable("answered without a bearer token")
    access = _token(answer.get("access_token"))
    refresh = _token(answer.get("refresh_token")) or earlier.refresh_token
    if not access or not refresh:
        raise provider.unavailable("answered without the tokens of a login")
    now, life = time.time(), _seconds(answer.get("expires_in"), _LONGEST_LIFE_S) or _USUAL_LIFE_S
    more = _seconds(answer.get("refresh_expires_in"), float("inf"))
    return PersonsTokens(access, now + max(life - _EARLIER_S, life / 2), now + life, refresh, now + more if more else 0)


def _token(value: object) -> str:
    """Only what can stand in a header."""
    is_usable = isinstance(value, str) and len(value) <= LONGEST_TOKEN and value.isascii() and value.isprintable()
    return str(value) if is_usable and " " not in str(value) else ""


def _seconds(value: object, most: float) -> float:
    """0: none is given, or none of use."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value <= most else 0  # type: ignore[arg-type, operator]
