"""Signing people in at an OpenID provider, and reading what its tokens say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from slipway.core.identity.authorization_response import AuthorizationResponse
from slipway.core.identity.claims import Person


@dataclass(frozen=True, slots=True)
class LoginSecrets:
    """Of one login. They stay on the server until the browser comes back."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    """Of PKCE (RFC 7636)."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave for one sign-in or refresh."""

    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    """Empty: there is none."""
    access_token: str = field(repr=False)
    access_expires_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    person: Person
    tokens: Tokens
    auth_time: float
    """When the person last proved who they are (Unix seconds); 0: the provider does not say."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified access token for Slipway's API."""

    person: Person | None
    """None: a client signed in as itself."""
    client: str
    """The client that the token was given to; of a service account, whose account it is."""
    subject: str
    groups: tuple[str, ...]
    """Of the person, or of the client's own account."""
    issued_at: float
    expires_at: float
    """Unix seconds, both."""


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """A verified order to end sessions (OpenID Connect Back-Channel Logout 1.0). Whoever reads one refuses a second
    with the same `jti`, until `replay_until`."""

    sub: str
    """Empty: the one session `sid` alone. With an empty `sid`: all of the person's."""
    sid: str
    jti: str
    replay_until: float
    """Unix seconds: older logout tokens are refused by their age."""


class CodeFlow(Protocol):
    """The sign-in of people with a browser: authorization code with PKCE (S256).

    Every method raises `DependencyUnavailable` when the provider does not answer, or not with what it should, and
    `IdentityRefused` when it does not accept Slipway's client.
    """

    def new_secrets(self) -> LoginSecrets: ...

    def authorization_url(self, state: str, secrets: LoginSecrets, redirect_uri: str, *, prompt: str = "") -> str:
        """Where the browser is sent. `prompt`: empty, `login` (asks for the password again) or `none`."""
        ...

    def finish(self, response: AuthorizationResponse, secrets: LoginSecrets, redirect_uri: str) -> SignedIn:
        """Exchange the code, with the secrets of the login that had `response.state`.

        Raises:
            NotAuthenticated: the provider signed nobody in, the code is not good, the answer came from another
                provider, or the ID token does not hold what it has to.
        """
        ...

    def refresh(self, refresh_token: str, sub: str) -> SignedIn:
        """Newer tokens of the same person.

        Raises:
            NotAuthenticated: the session at the provider has ended, or the answer names another person.
        """
        ...

    def sign_out_url(self, id_token: str, return_to: str, state: str = "") -> str:
        """Where the browser ends the session at the provider (RP-initiated logout). Empty: the provider has no such
        page. An ID token that is too long for a URL is left out: the provider then asks for a confirmation."""
        ...


class TokenVerifier(Protocol):
    """Both raise `NotAuthenticated` with the reason when the token is not good, and `DependencyUnavailable` when its
    key is not known here and the provider can't be asked."""

    def access_token(self, token: str) -> AccessToken: ...

    def logout_token(self, token: str) -> LogoutToken: ...


@dataclass(frozen=True, slots=True)
class DeviceSignIn:
    """What a command line needs to sign people in (RFC 8628): URLs as it reaches them, and no secret."""

    issuer: str
    client: str
    device_authorization_endpoint: str
    """Empty: the provider does not have that grant."""
    token_endpoint: str
    revocation_endpoint: str
    """Empty: the provider has none."""


@dataclass(frozen=True, slots=True)
class SignOn:
    """One OpenID provider with one of its clients."""

    issuer: str
    flow: CodeFlow
    verifier: TokenVerifier
    device_sign_in: Callable[[], DeviceSignIn]
    """Raises `DependencyUnavailable` while the provider does not answer, unless it did a while ago."""
    close: Callable[[], None] = lambda: None
    """Ends the connections to it."""
