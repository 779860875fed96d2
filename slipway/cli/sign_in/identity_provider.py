"""The identity provider, as the platform names it, and as a public client speaks to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from slipway.adapters.oidc.bounded_http import BoundedHttp
from slipway.adapters.oidc.strict_json import parse_object
from slipway.cli.client import reachable
from slipway.cli.output import one_line
from slipway.cli.this_host import address_here, is_this_machine
from slipway.errors import DependencyUnavailable, SlipwayError

LONGEST_TOKEN = 32 << 10
_ENDPOINTS = ("device_authorization_endpoint", "token_endpoint", "revocation_endpoint")
_A_TOKEN_WORKS = "a token works, too: slipway login --token-stdin"  # noqa: S105  a sentence


class UntrustedProvider(SlipwayError):
    """What the platform or the provider names is not a place where somebody should sign in."""

    code = "untrusted-provider"
    status = 502


class OAuthError(SlipwayError):
    """The provider refused (RFC 6749, 5.2). `error` is its code for why."""

    code = "identity-refused"
    status = 502

    def __init__(self, error: str, description: str, where: str) -> None:
        why = f"{one_line(error)} ({one_line(description, 200)})" if description else one_line(error)
        super().__init__(f"The identity provider at {where} refused: {why}", remedy=_A_TOKEN_WORKS)
        self.error = error


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    issuer: str
    client_id: str
    device_authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    """Empty: it has none."""

    @property
    def origin(self) -> str:
        """For messages."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def own(self, url: object, name: str) -> str:
        """The URL, which has to be at the issuer's origin.

        Raises:
            UntrustedProvider: it is elsewhere, or no URL.
        """
        parts = _parts(url)
        if parts is None or _origin(parts) != _origin(urlsplit(self.issuer)):
            raise UntrustedProvider(
                f"Nobody is signed in: {name} is {one_line(str(url), 200)!r}, which is not at the identity provider "
                f"{self.origin}.",
                remedy=f"ask the host's owner; {_A_TOKEN_WORKS}",
            )
        return str(url)

    def post(self, endpoint: str, **form: str) -> dict[str, Any]:
        """What it answers to a form of this client.

        Raises:
            OAuthError: it refuses.
            DependencyUnavailable: it does not answer, or with something else.
        """
        http = BoundedHttp()
        try:
            headers = {"Host": urlsplit(endpoint).netloc}
            data = {"client_id": self.client_id, **form}
            answer = http.post(reachable(endpoint), data=data, headers=headers, auth=httpx.Auth())
        except httpx.HTTPError as error:
            raise self.unavailable(f"does not answer ({type(error).__name__})") from None
        finally:
            http.close()
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.is_success and not answer.content:  # a revocation
            return {}
        try:
            found = parse_object(answer.content)
        except ValueError:
            raise self.unavailable(f"answered {answer.status_code} without a JSON object") from None
        error = found.get("error")
        if isinstance(error, str) and not answer.is_success and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
            raise OAuthError(error, str(found.get("error_description") or ""), self.origin)
        if not answer.is_success or error is not None:
            raise self.unavailable(f"answered {answer.status_code}")
        return found

    def unavailable(self, why: str) -> DependencyUnavailable:
        return DependencyUnavailable(f"The identity provider at {self.origin} {why}.", remedy="try again")


def of_platform(document: Mapping[str, Any], platform_url: str) -> IdentityProvider:
    """The provider that `GET /api/sign-in` names.

    Raises:
        UntrustedProvider: it is not reached over TLS, its endpoints are not its own, or it can't sign people in here.
    """
    issuer = _issuer(document.get("issuer"), platform_url)
    if not document.get("device_authorization_endpoint"):
        raise UntrustedProvider(
            f"The identity provider {issuer} does not sign people in on a command line.", remedy=_A_TOKEN_WORKS
        )
    bare = IdentityProvider(issuer, str(document.get("client_id") or ""), "", "", "")
    found = {name: bare.own(document[name], f"its {name}") for name in _ENDPOINTS if document.get(name)}
    if not bare.client_id or "token_endpoint" not in found:
        raise UntrustedProvider(f"{platform_url} does not say how to sign in at {issuer}.", remedy=_A_TOKEN_WORKS)
    return IdentityProvider(
        issuer,
        bare.client_id,
        found["device_authorization_endpoint"],
        found["token_endpoint"],
        found.get("revocation_endpoint", ""),
    )


def _issuer(named: object, platform_url: str) -> str:
    parts = _parts(named)
    if parts is None:
        raise UntrustedProvider(
            f"Nobody is signed in: {platform_url} names the identity provider {one_line(str(named), 200)!r}, which is "
            "no https:// address.",
            remedy=f"the host's owner sets SLIPWAY_KEYCLOAK or SLIPWAY_KEYCLOAK_HOSTNAME; {_A_TOKEN_WORKS}",
        )
    here, platform = parts.hostname or "", urlsplit(platform_url).hostname or ""
    is_of_this_host = is_this_machine(platform) or address_here() == platform_url
    if is_this_machine(here) and not is_of_this_host:
        raise UntrustedProvider(
            f"Nobody is signed in: {platform_url} names the identity provider {named}, which from here is this very "
            "machine.",
            remedy=f"the host's owner sets SLIPWAY_KEYCLOAK_HOSTNAME to a public address; {_A_TOKEN_WORKS}",
        )
    return str(named)


def _parts(url: object) -> SplitResult | None:
    """None unless it is a URL that may be opened: over TLS, or of this machine."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or set(url) & set(" \\\"'<>"):
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not host or parts.username is not None or parts.fragment:
        return None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))
    return parts if is_safe else None


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
