"""`slipway.ports.sign_on.CodeFlow` at an OpenID provider, by Authlib's OAuth client on a bounded HTTP client.

Authlib's own sessions for httpx are not used: they log the PKCE verifier, and read and clear a login's state in two
steps. State, nonce and verifier are the caller's to keep.
"""

from __future__ import annotations

import re
import secrets as random
import time
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from authlib.oauth2.client import OAuth2Client

from slipway.adapters.oidc import token_checks, token_endpoint
from slipway.adapters.oidc.metadata import Metadata
from slipway.adapters.oidc.provider import Provider
from slipway.adapters.oidc.token_checks import Expected
from slipway.core.identity.authorization_response import AuthorizationResponse
from slipway.core.identity.claims import person_of
from slipway.errors import DependencyUnavailable, NotAuthenticated
from slipway.ports.clock import Clock
from slipway.ports.sign_on import LoginSecrets, SignedIn, Tokens

_SECRET_BYTES = 32
LONGEST_URL = 3800
"""Keycloak refuses a request line that is longer than 4096 bytes."""
_PROMPTS = ("", "login", "none")
_ERROR = re.compile(r"[a-z_]{1,40}")
_AGAIN = "start again at the page that you wanted to see"
_SENTENCES = {
    "access_denied": "The sign-in was cancelled.",
    "login_required": "Nobody is signed in at the identity provider.",
    "interaction_required": "The identity provider has to ask you something first.",
}
_TEMPORARY = ("temporarily_unavailable", "server_error")


class OidcCodeFlow:
    def __init__(self, provider: Provider, client: str, secret: str, clock: Clock = time.time) -> None:
        self._provider = provider
        self._client = client
        self._secret = secret
        self._clock = clock

    def new_secrets(self) -> LoginSecrets:
        return LoginSecrets(random.token_urlsafe(_SECRET_BYTES), random.token_urlsafe(_SECRET_BYTES))

    def authorization_url(self, state: str, secrets: LoginSecrets, redirect_uri: str, *, prompt: str = "") -> str:
        if prompt not in _PROMPTS:
            raise ValueError(f"prompt is one of {_PROMPTS}")
        url, _ = self._oauth(scope="openid").create_authorization_url(
            self._provider.metadata().authorization_endpoint,
            state=state,
            code_verifier=secrets.verifier,
            nonce=secrets.nonce,
            redirect_uri=redirect_uri,
            prompt=prompt or None,
        )
        return str(url)

    def finish(self, response: AuthorizationResponse, secrets: LoginSecrets, redirect_uri: str) -> SignedIn:
        metadata = self._provider.metadata()
        _check_issuer(response, metadata)
        if response.error:
            raise _failure(response.error)
        with token_endpoint.failures(self._provider):
            answer = self._oauth().fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=response.code,
                redirect_uri=redirect_uri,
                code_verifier=secrets.verifier,
                auth=self._authentication(),
            )
        return self._signed_in(token_endpoint.read(answer, self._clock()), secrets.nonce)

    def refresh(self, refresh_token: str, sub: str) -> SignedIn:
        with token_endpoint.failures(self._provider):
            answer = self._oauth().refresh_token(
                self._provider.metadata().token_endpoint, refresh_token=refresh_token, auth=self._authentication()
            )
        found = self._signed_in(token_endpoint.read(answer, self._clock()), nonce=None)
        if found.person.sub != sub:
            raise NotAuthenticated("The identity provider answered with another person's tokens.", remedy=_AGAIN)
        return found

    def sign_out_url(self, id_token: str, return_to: str, state: str = "") -> str:
        endpoint = self._provider.metadata().end_session_endpoint
        if not endpoint:
            return ""
        query = {"client_id": self._client, "post_logout_redirect_uri": return_to}
        query |= {"state": state} if state else {}
        whole = _with_query(endpoint, {**query, "id_token_hint": id_token})
        return whole if id_token and len(whole) <= LONGEST_URL else _with_query(endpoint, query)

    def _signed_in(self, tokens: Tokens, nonce: str | None) -> SignedIn:
        token = self._provider.verify(tokens.id_token)
        expected = Expected(self._provider.issuer, self._client, self._clock())
        token_checks.check_id_token(token, expected, tokens.access_token, nonce)
        return SignedIn(person_of(token.claims), tokens, token_checks.auth_time(token.claims))

    def _oauth(self, scope: str | None = None) -> Any:
        """Authlib's client of one exchange: it keeps what it was answered."""
        client = OAuth2Client(self._provider.http, self._client, scope=scope, code_challenge_method="S256")
        for hook in ("access_token_response", "refresh_token_response"):
            client.register_compliance_hook(hook, token_endpoint.checked)
        return client

    def _authentication(self) -> httpx.BasicAuth:
        """RFC 6749, 2.3.1: both are form-encoded first."""
        return httpx.BasicAuth(quote_plus(self._client), quote_plus(self._secret))


def _check_issuer(response: AuthorizationResponse, metadata: Metadata) -> None:
    """Against mix-up (RFC 9207): the answer has to come from the provider that was asked."""
    if (response.issuer or metadata.sends_issuer) and response.issuer != metadata.issuer:
        raise NotAuthenticated("The answer came from another identity provider than the one asked.", remedy=_AGAIN)


def _failure(error: str) -> Exception:
    if error in _TEMPORARY:
        return DependencyUnavailable("The identity provider can't sign anybody in now.", remedy="try again")
    code = error if _ERROR.fullmatch(error) else "for a reason of its own"
    return NotAuthenticated(_SENTENCES.get(error, f"The identity provider refused the sign-in: {code}."), remedy=_AGAIN)


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
