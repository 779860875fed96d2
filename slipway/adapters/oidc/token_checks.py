"""What the three kinds of tokens have to say. One kind is never taken for another."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.adapters.oidc.signed_tokens import SignedToken, left_half
from slipway.core.identity.claims import is_service_account, person_of
from slipway.errors import NotAuthenticated
from slipway.ports.sign_on import AccessToken, LogoutToken

API_AUDIENCE = "slipway-api"
LEEWAY_S = 30
"""By how much the provider's clock may differ from ours."""
ID_TOKEN_AGE_S = 600
LOGOUT_AGE_S = 120
JOB_TOKEN_AGE_S = 86400
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
_LATEST = 1 << 40
_JTI_MAX = 255


@dataclass(frozen=True, slots=True)
class Expected:
    """What tokens are compared with."""

    issuer: str
    client: str
    now: float
    """Unix seconds."""


def check_id_token(token: SignedToken, expected: Expected, access_token: str, nonce: str | None) -> None:
    """Of a token endpoint's answer (OpenID Connect Core, 3.1.3.7). `nonce`: None after a refresh, where it is not sent
    again.

    Raises:
        NotAuthenticated: says which claim is wrong.
    """
    claims = token.claims
    _require(token.kind in ("", "jwt") and claims.get("typ", "ID") == "ID", "is no ID token")
    _require("events" not in claims, "is no ID token")
    _check_issuer(claims, expected)
    _require(_audience(claims) == [expected.client], "is for somebody else (aud)")
    _require(claims.get("azp", expected.client) == expected.client, "was given to somebody else (azp)")
    _check_times(claims, expected, longest_age_s=ID_TOKEN_AGE_S)
    if nonce is not None:
        _require(_equal(claims.get("nonce"), nonce), "is of another login (nonce)")
    if "at_hash" in claims:
        same = _equal(claims["at_hash"], left_half(access_token, token.algorithm))
        _require(same, "is of another access token (at_hash)")


def read_access_token(token: SignedToken, expected: Expected) -> AccessToken:
    """For Slipway's API (RFC 9068; Keycloak says the kind in the claim `typ`).

    Raises:
        NotAuthenticated: says which claim is wrong.
    """
    claims = token.claims
    is_one = token.kind == "at+jwt" or (token.kind in ("", "jwt") and claims.get("typ") == "Bearer")
    _require(is_one and claims.get("typ", "Bearer") == "Bearer", "is no access token")
    _require(not {"events", "at_hash", "c_hash", "nonce"} & claims.keys(), "is no access token")
    _require("cnf" not in claims, "is bound to a key, which is not supported (cnf)")
    _check_issuer(claims, expected)
    _require(API_AUDIENCE in _audience(claims), f"is not for {API_AUDIENCE} (aud)")
    _check_times(claims, expected)
    is_account = is_service_account(claims)
    person = person_of(claims)
    _require(is_account or bool(person.sid), "belongs to no session of a person (sid)")
    client = claims.get("azp", claims.get("client_id", ""))
    return AccessToken(
        person=None if is_account else person,
        client=client if isinstance(client, str) else "",
        subject=person.sub,
        groups=person.groups,
        issued_at=_time(claims, "iat"),
        expires_at=_time(claims, "exp"),
    )


def check_job_token(claims: Mapping[str, Any], audience: str, now: float) -> float:
    """Of a CI job: for nobody else, and issued within a day. Returns when it ends.

    Raises:
        NotAuthenticated: says which claim is wrong.
    """
    _require(_audience(claims) == [audience], f"is not for {audience} alone (aud)")
    _check_times(claims, Expected("", "", now), longest_age_s=JOB_TOKEN_AGE_S)
    return min(_time(claims, "exp"), _time(claims, "iat") + JOB_TOKEN_AGE_S) + LEEWAY_S


def read_logout_token(token: SignedToken, expected: Expected) -> LogoutToken:
    """OpenID Connect Back-Channel Logout 1.0, 2.6.

    Raises:
        NotAuthenticated: says which claim is wrong.
    """
    claims = token.claims
    _require(token.kind in ("", "jwt", "logout+jwt"), "is no logout token")
    _require(claims.get("typ", "Logout") == "Logout", "is no logout token")
    events = claims.get("events")
    ordered = events.get(_LOGOUT) if isinstance(events, Mapping) else None
    _require(isinstance(ordered, Mapping), "is no logout token (events)")
    _require("nonce" not in claims, "is no logout token (nonce)")
    _check_issuer(claims, expected)
    _require(expected.client in _audience(claims), "is for somebody else (aud)")
    _check_times(claims, expected, longest_age_s=LOGOUT_AGE_S, needs_expiry=False)
    sub, sid, jti = (_text(claims, name) for name in ("sub", "sid", "jti"))
    _require(bool(sub or sid), "names nobody (sub, sid)")
    _require(bool(jti), "has no id of its own (jti)")
    return LogoutToken(sub=sub, sid=sid, jti=jti, replay_until=_time(claims, "iat") + LOGOUT_AGE_S + 2 * LEEWAY_S)


def auth_time(claims: Mapping[str, Any]) -> float:
    """0 where the token does not say it."""
    at: Any = claims.get("auth_time")
    return float(at) if _is_time(at) else 0.0


def _check_issuer(claims: Mapping[str, Any], expected: Expected) -> None:
    _require(claims.get("iss") == expected.issuer, "is of another issuer (iss)")


def _check_times(
    claims: Mapping[str, Any], expected: Expected, *, longest_age_s: float | None = None, needs_expiry: bool = True
) -> None:
    now = expected.now
    if needs_expiry or "exp" in claims:
        _require(_time(claims, "exp") > now - LEEWAY_S, "has expired (exp)")
    issued = _time(claims, "iat")
    _require(issued <= now + LEEWAY_S, "was issued in the future (iat)")
    _require(longest_age_s is None or issued > now - longest_age_s - LEEWAY_S, "was issued too long ago (iat)")
    if "nbf" in claims:
        _require(_time(claims, "nbf") <= now + LEEWAY_S, "is not valid yet (nbf)")


def _audience(claims: Mapping[str, Any]) -> list[str]:
    """Empty where it is neither a text nor a list of texts."""
    given = claims.get("aud")
    found: list[Any] = given if isinstance(given, list) else [given]
    return found if all(isinstance(each, str) for each in found) else []


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    _require(isinstance(value, str) and len(value) <= _JTI_MAX and value.isprintable(), f"has no valid {name}")
    return str(value)


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    _require(_is_time(value), f"has no valid time {name}")
    return float(value or 0)


def _is_time(value: Any) -> bool:
    """A number of seconds since 1970, before the year 36000."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST


def _equal(given: Any, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="surrogatepass"), wanted.encode())


def _require(holds: bool, why_not: str) -> None:
    if not holds:
        raise NotAuthenticated(f"The token {why_not}.", remedy="sign in again")
