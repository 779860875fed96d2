"""A signed token (RFC 7515, 7519), as far as its form and signature go. What it says is for `token_checks`."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact

from slipway.adapters.oidc.algorithms import ALGORITHMS
from slipway.adapters.oidc.strict_json import parse_object
from slipway.errors import NotAuthenticated

LONGEST_BYTES = 16 << 10
_FORM = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REFUSED_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "enc", "zip"})
"""The first four bring a key, or say where one is: the provider's own are the only ones. `crit` lists extensions that
have to be understood, and there are none here."""

FindKey = Callable[[str, str | None], RSAKey | ECKey]
"""By algorithm and key id. Raises `NotAuthenticated` when the provider has no such key."""


@dataclass(frozen=True, slots=True)
class SignedToken:
    algorithm: str
    kind: str
    """Of the header `typ`, in lower case; empty: it has none."""
    claims: Mapping[str, Any]


def verify(token: str, algorithms: Callable[[], frozenset[str]], find_key: FindKey) -> SignedToken:
    """The token's content, once its signature is known to be the provider's. `algorithms` that the provider signs with,
    and its keys, are asked for only when the token has the form of one.

    Raises:
        NotAuthenticated: says what is wrong with it.
    """
    header = _header(token)
    algorithm, kid, kind = header["alg"], header.get("kid"), header.get("typ", "")
    if not isinstance(kid, str | None) or not isinstance(kind, str):
        raise NotAuthenticated("The token's header is not valid.")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS or algorithm not in algorithms():
        raise NotAuthenticated("The token is signed with an algorithm that is not accepted.")
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        signed = deserialize_compact(token, find_key(algorithm, kid), registry=registry)
    except (JoseError, ValueError, TypeError):
        raise NotAuthenticated("The token's signature is not valid.") from None
    try:
        claims = parse_object(signed.payload or b"")
    except ValueError:
        raise NotAuthenticated("The token's content is no JSON object.") from None
    return SignedToken(algorithm, kind.lower().removeprefix("application/"), claims)


def require_form(token: str) -> re.Match[str]:
    """The token's parts, the header as the first group. Looked at before anything is parsed: a token that is too long
    costs nothing to refuse.

    Raises:
        NotAuthenticated: it has not the form of a signed token.
    """
    if len(token) > LONGEST_BYTES:
        raise NotAuthenticated(f"The token is longer than {LONGEST_BYTES >> 10} KiB.")
    form = _FORM.fullmatch(token)
    if form is None:
        raise NotAuthenticated("The token is not a signed token of three parts.")
    return form


def _header(token: str) -> dict[str, Any]:
    form = require_form(token)
    try:
        header = parse_object(base64.urlsafe_b64decode(form[1] + "=" * (-len(form[1]) % 4)))
    except ValueError:
        raise NotAuthenticated("The token's header is no JSON object.") from None
    refused = sorted(_REFUSED_HEADERS & header.keys())
    if refused:
        raise NotAuthenticated(f"The token's header has a part that is not accepted: {', '.join(refused)}.")
    if "alg" not in header:
        raise NotAuthenticated("The token's header names no algorithm.")
    return header


def left_half(text: str, algorithm: str) -> str:
    """What `at_hash` has to be (OpenID Connect Core, 3.1.3.6)."""
    digest = ALGORITHMS[algorithm].digest(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
