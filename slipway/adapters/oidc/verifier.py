"""`slipway.ports.sign_on.TokenVerifier` at an OpenID provider."""

from __future__ import annotations

import time

from slipway.adapters.oidc import token_checks
from slipway.adapters.oidc.provider import Provider
from slipway.adapters.oidc.token_checks import Expected
from slipway.ports.clock import Clock
from slipway.ports.sign_on import AccessToken, LogoutToken


class OidcTokenVerifier:
    def __init__(self, provider: Provider, client: str, clock: Clock = time.time) -> None:
        self._provider = provider
        self._client = client
        self._clock = clock

    def access_token(self, token: str) -> AccessToken:
        return token_checks.read_access_token(self._provider.verify(token), self._expected())

    def logout_token(self, token: str) -> LogoutToken:
        return token_checks.read_logout_token(self._provider.verify(token), self._expected())

    def _expected(self) -> Expected:
        return Expected(self._provider.issuer, self._client, self._clock())
