from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from slipway.adapters.oidc.connecting import sign_on
from slipway.adapters.oidc.provider import Address
from slipway.core.identity.authorization_response import AuthorizationResponse, parse
from slipway.ports.sign_on import LoginSecrets, SignedIn, SignOn
from tests.fixtures.identity.oidc_provider import CLIENT, SECRET, OidcProvider, running_provider

CALLBACK = "http://slipway.localhost:8080/auth/callback"


class Clock:
    """Ages of keys and metadata are measured by it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class RelyingParty:
    """Slipway's side, with a browser that follows where it is sent."""

    sign_on: SignOn
    browser: httpx.Client
    clock: Clock

    def sign_in(self) -> SignedIn:
        secrets = self.sign_on.flow.new_secrets()
        return self.sign_on.flow.finish(self.answer_to(secrets), secrets, CALLBACK)

    def answer_to(self, secrets: LoginSecrets, state: str = "state-1") -> AuthorizationResponse:
        return parse(self.query_of(self.sign_on.flow.authorization_url(state, secrets, CALLBACK)))

    def query_of(self, url: str) -> str:
        """Of the redirect that this page of the provider answers with."""
        answer = self.browser.get(url)
        assert answer.status_code == 302, answer.text
        return urlsplit(answer.headers["Location"]).query


@pytest.fixture(scope="session")
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60) as client:
        yield client


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


Connect = Callable[..., RelyingParty]


@pytest.fixture
def connect(provider: OidcProvider, browser: httpx.Client, clock: Clock) -> Connect:
    """Makes a relying party that has asked the provider for nothing yet."""

    def made(issuer: str = provider.issuer, secret: str = SECRET) -> RelyingParty:
        where = Address(issuer, provider.issuer)
        return RelyingParty(sign_on(where, CLIENT, secret, clock=clock), browser, clock)

    return made


@pytest.fixture
def rp(connect: Connect) -> RelyingParty:
    return connect()
