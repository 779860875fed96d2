"""What the token endpoint answers, and what a refusal there means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError

from slipway.adapters.oidc.provider import Provider
from slipway.adapters.oidc.signed_tokens import LONGEST_BYTES
from slipway.adapters.oidc.strict_json import parse_object
from slipway.errors import DependencyUnavailable, IdentityRefused, NotAuthenticated, SlipwayError
from slipway.ports.sign_on import Tokens

_USUAL_LIFE_S = 60.0
_LONGEST_LIFE_S = 86400.0
_OF_THE_CLIENT = ("invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type")


def checked(answer: httpx.Response) -> httpx.Response:
    """A hook of Authlib's, which reads whatever JSON it gets: anything but tokens is an error here.

    Raises:
        NotAuthenticated: code or refresh token are not good (any more).
        IdentityRefused: the client is not accepted.
        DependencyUnavailable: the answer is none of the protocol's.
    """
    try:
        document = parse_object(answer.content)
    except ValueError:
        raise _unusable(f"{answer.status_code} without a JSON object") from None
    if answer.status_code == httpx.codes.OK and "error" not in document:
        return answer
    raise _refusal(document.get("error"), answer.status_code)


def read(answer: Mapping[str, Any], now: float) -> Tokens:
    """Raises `DependencyUnavailable` when a token is missing or of no use."""
    if str(answer.get("token_type")).lower() != "bearer":
        raise _unusable("tokens of a kind that is not supported")
    life = answer.get("expires_in", _USUAL_LIFE_S)
    if not isinstance(life, int | float) or isinstance(life, bool) or not 0 < life <= _LONGEST_LIFE_S:
        life = _USUAL_LIFE_S
    return Tokens(
        id_token=_token(answer, "id_token"),
        refresh_token=_token(answer, "refresh_token", is_needed=False),
        access_token=_token(answer, "access_token"),
        access_expires_at=now + life,
    )


@contextmanager
def failures(provider: Provider) -> Iterator[None]:
    """Errors of Authlib and httpx as Slipway's. Theirs are not passed on: they may hold the form with its secrets."""
    where = f"The identity provider at {provider.address.url}"
    try:
        yield
    except SlipwayError:
        raise
    except httpx.HTTPError as error:
        why = type(error).__name__
        raise DependencyUnavailable(f"{where} does not answer: {why}.", remedy="try again") from None
    except (AuthlibBaseError, ValueError):
        raise DependencyUnavailable(f"{where} answered with no tokens.", remedy="try again") from None


def _token(answer: Mapping[str, Any], name: str, *, is_needed: bool = True) -> str:
    token = answer.get(name)
    if token is None and not is_needed:
        return ""
    if not isinstance(token, str) or not token or len(token) > LONGEST_BYTES:
        raise _unusable(f"no usable {name}")
    return token


def _refusal(error: Any, status: int) -> SlipwayError:
    if error == "invalid_grant":
        return NotAuthenticated("The sign-in has ended, or was used already.", remedy="sign in again")
    if error in _OF_THE_CLIENT or status == httpx.codes.UNAUTHORIZED:
        return IdentityRefused(
            "The identity provider does not accept Slipway's client.",
            remedy="slipway identity sync; its secret is in keys/keycloak-router.secret of the state folder",
        )
    return _unusable(f"{status} to the request for tokens")


def _unusable(what: str) -> DependencyUnavailable:
    return DependencyUnavailable(f"The identity provider answered with {what}.", remedy="try again")
