"""What a provider publishes of itself (OpenID Connect Discovery 1.0, RFC 8414), checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from slipway.adapters.oidc.algorithms import ALGORITHMS

PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    """Empty, both: it signs nobody in."""
    end_session_endpoint: str = ""
    device_authorization_endpoint: str = ""
    revocation_endpoint: str = ""
    """Empty, each of the three: the provider has none."""
    algorithms: frozenset[str] = frozenset()
    """Which it signs with, of those that are accepted."""
    sends_issuer: bool = False
    """Its authorization responses name it (RFC 9207)."""


def read(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Raises `ValueError`, which says what is wrong, when it is not the document of that issuer, or when the provider
    can't do what Slipway relies on."""
    algorithms = _algorithms(document, issuer)
    if "code" not in _names(document, "response_types_supported"):
        raise ValueError("it has no authorization code flow")
    if "S256" not in _names(document, "code_challenge_methods_supported"):
        raise ValueError("it does not say that it supports PKCE with S256")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", is_loopback_of_browsers),
        token_endpoint=_endpoint(document, "token_endpoint", is_loopback),
        jwks_uri=_endpoint(document, "jwks_uri", is_loopback),
        end_session_endpoint=_optional(document, "end_session_endpoint"),
        device_authorization_endpoint=_optional(document, "device_authorization_endpoint"),
        revocation_endpoint=_optional(document, "revocation_endpoint"),
        algorithms=algorithms,
        sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def read_of_issuer(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Of one that signs nobody in, and vouches for programs. Whoever fetches its keys has to see where they are.

    Raises:
        ValueError: says what is wrong.
    """
    algorithms = _algorithms(document, issuer)
    keys = document.get("jwks_uri")
    if not isinstance(keys, str):
        raise ValueError("its jwks_uri is no URL")  # noqa: TRY004  the document is wrong, not the caller
    return Metadata(issuer=issuer, jwks_uri=keys, algorithms=algorithms)


def _algorithms(document: Mapping[str, Any], issuer: str) -> frozenset[str]:
    if document.get("issuer") != issuer:
        raise ValueError(f"it is not the issuer {issuer}")
    algorithms = ALGORITHMS.keys() & _names(document, "id_token_signing_alg_values_supported")
    if not algorithms:
        raise ValueError("it signs with no algorithm that is accepted: RS256, PS256, ES256 and their longer kin")
    return frozenset(algorithms)


def _names(document: Mapping[str, Any], name: str) -> set[str]:
    values = document.get(name)
    return {each for each in values if isinstance(each, str)} if isinstance(values, list) else set()


def _optional(document: Mapping[str, Any], name: str) -> str:
    return _endpoint(document, name, is_loopback_of_browsers) if document.get(name) else ""


def _endpoint(document: Mapping[str, Any], name: str, is_here: Callable[[str], bool]) -> str:
    """Over TLS, unless the host is this machine."""
    url = document.get(name)
    if not isinstance(url, str) or not _is_safe(url, is_here):
        raise ValueError(f"its {name} is no https URL")
    return url


def _is_safe(url: str, is_here: Callable[[str], bool]) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if parts.fragment or parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_here(host)))


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_loopback_of_browsers(host: str) -> bool:
    """Browsers ask nobody for names below `localhost`; this host's resolver might."""
    return is_loopback(host) or host.endswith(".localhost")
