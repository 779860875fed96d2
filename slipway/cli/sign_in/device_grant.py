"""The device authorization grant (RFC 8628), with PKCE: a code is shown here, and somebody signs in with it in a
browser, on whatever machine that is."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field

from slipway.cli.output import one_line
from slipway.cli.sign_in import tokens
from slipway.cli.sign_in.identity_provider import IdentityProvider, OAuthError
from slipway.cli.sign_in.tokens import PersonsTokens
from slipway.errors import DependencyUnavailable, NotAuthenticated

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL_S = 5.0
"""How long to wait between two questions where the provider does not say, and how much longer it gets when it says
`slow_down` (3.2, 3.5)."""
_SHORTEST_INTERVAL_S = 1.0
_LONGEST_LIFE_S = 1800.0
_AGAIN = "slipway login"


@dataclass(frozen=True, slots=True)
class DeviceCode:
    user_code: str
    """What is typed in the browser."""
    verification_uri: str
    verification_uri_complete: str
    """The same with the code in it; empty: the provider has none."""
    device_code: str = field(repr=False)
    verifier: str = field(repr=False)
    interval_s: float
    ends_at: float
    """By the monotonic clock."""


def begin(provider: IdentityProvider) -> DeviceCode:
    """Raises `OAuthError`, `DependencyUnavailable` or `UntrustedProvider`."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    form = {"code_challenge": challenge, "code_challenge_method": "S256"}
    answer = provider.post(provider.device_authorization_endpoint, **form)
    user_code, device_code = _text(answer.get("user_code")), _text(answer.get("device_code"))
    life = _number(answer.get("expires_in"))
    if not user_code or not device_code or not life:
        raise provider.unavailable("answered without a code to sign in with")
    complete = answer.get("verification_uri_complete")
    return DeviceCode(
        user_code=one_line(user_code),
        verification_uri=provider.own(answer.get("verification_uri"), "the address of its sign-in"),
        verification_uri_complete=provider.own(complete, "the link of its sign-in") if complete else "",
        device_code=device_code,
        verifier=verifier,
        interval_s=max(_number(answer.get("interval")) or INTERVAL_S, _SHORTEST_INTERVAL_S),
        ends_at=time.monotonic() + min(life, _LONGEST_LIFE_S),
    )


def wait(provider: IdentityProvider, code: DeviceCode) -> PersonsTokens:
    """Ask until somebody has signed in. While the provider does not answer, it is asked half as often each time (3.5).

    Raises:
        NotAuthenticated: it was refused in the browser, or nobody signed in before the code expired.
        OAuthError: the provider refuses the client.
        DependencyUnavailable: the provider answers with tokens that are of no use, or did not answer in the end.
    """
    interval_s, failure = code.interval_s, None
    form = {"grant_type": GRANT, "device_code": code.device_code, "code_verifier": code.verifier}
    while time.monotonic() + interval_s < code.ends_at:
        time.sleep(interval_s)
        try:
            answer = provider.post(provider.token_endpoint, **form)
        except OAuthError as error:
            interval_s, failure = interval_s + _longer_by(error), None
        except DependencyUnavailable as error:
            interval_s, failure = interval_s * 2, error
        else:
            return tokens.read(provider, answer)
    raise failure or _expired()


def _longer_by(error: OAuthError) -> float:
    """How much the interval grows; any other answer than that the sign-in is still open ends it."""
    if error.error == "authorization_pending":
        return 0
    if error.error == "slow_down":
        return INTERVAL_S
    if error.error == "access_denied":
        raise NotAuthenticated("Nobody is signed in: it was refused in the browser.", remedy=_AGAIN) from None
    if error.error == "expired_token":
        raise _expired() from None
    raise error


def _expired() -> NotAuthenticated:
    return NotAuthenticated("Nobody is signed in: the code has expired.", remedy=_AGAIN)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    """0: it is none above 0."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0
